"""Makes nfc.txt, the tables of Unicode's canonical composition, from Python's unicodedata:  python3 make_nfc.py > nfc.txt

A line is a kind and hexadecimal numbers:
  C first last class     characters that combine, by their canonical combining class
  D char first [second]  a canonical decomposition, one step of it
  P char first second    the same, and the pair composes again
"""
import sys
import unicodedata

print(f"# Unicode {unicodedata.unidata_version}, made by make_nfc.py from the Unicode Character Database (unicode.org/license.txt)")
classes = [unicodedata.combining(chr(c)) for c in range(0x110000)]
start = 0
for c in range(1, len(classes) + 1):
    if c == len(classes) or classes[c] != classes[start]:
        if classes[start]:
            print(f"C {start:X} {c - 1:X} {classes[start]:X}")
        start = c
for c in range(0x110000):
    if 0xAC00 <= c <= 0xD7A3 or 0xD800 <= c <= 0xDFFF:
        continue  # Hangul syllables are arithmetic
    parts = unicodedata.decomposition(chr(c)).split()
    if not parts or parts[0].startswith("<"):
        continue
    composes = len(parts) == 2 and unicodedata.normalize("NFC", chr(c)) == chr(c)
    print("P" if composes else "D", f"{c:X}", *(f"{int(part, 16):X}" for part in parts))
sys.stdout.flush()
