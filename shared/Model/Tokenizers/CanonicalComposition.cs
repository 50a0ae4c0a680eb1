using System.Globalization;
using System.Text;

namespace SelfRewarding.Model;

/// <summary>
/// Unicode's normalization form C (UAX #15) from the table beside this file. The runtime's own is ICU's, which is not on every machine: without it, texts would be passed over
/// in silence and have other ids.
/// </summary>
internal static class CanonicalComposition
{
    // Hangul syllables are arithmetic: a leading consonant, a vowel, and one of 27 trailing consonants or none.
    private const int Syllables = 0xAC00, Leads = 0x1100, Vowels = 0x1161, Trails = 0x11A7, LeadCount = 19, VowelCount = 21, TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    private static readonly Dictionary<int, byte> Classes = [];
    private static readonly Dictionary<int, int[]> Decompositions = [];
    private static readonly Dictionary<(int First, int Second), int> Composites = [];
    private static readonly HashSet<int> MayChange = []; // where none of these is, a text is in form C

    static CanonicalComposition()
    {
        using var stream = typeof(CanonicalComposition).Assembly.GetManifestResourceStream("nfc.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            var numbers = line[2..].Split(' ').Select(number => int.Parse(number, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
            if (line[0] == 'C')
            {
                for (var value = numbers[0]; value <= numbers[1]; value++) Classes[value] = (byte)numbers[2];
                continue;
            }

            Decompositions[numbers[0]] = numbers[1..];
            if (line[0] == 'D')
            {
                MayChange.Add(numbers[0]);
                continue;
            }

            Composites[(numbers[1], numbers[2])] = numbers[0];
            MayChange.Add(numbers[2]);
        }

        MayChange.UnionWith(Classes.Keys);
        MayChange.UnionWith(Enumerable.Range(Vowels, VowelCount).Concat(Enumerable.Range(Trails + 1, TrailCount - 1)));
    }

    /// <summary>The text in form C; lone surrogates become U+FFFD where anything changes.</summary>
    public static string Of(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u02FF') || !Changes(text)) return text;
        var runes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, runes);
        Order(runes);
        var composed = new StringBuilder(text.Length);
        foreach (var value in Compose(runes)) composed.Append(new Rune(value));
        return composed.ToString();
    }

    private static bool Changes(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (MayChange.Contains(rune.Value)) return true;
        }

        return false;
    }

    private static void Decompose(int value, List<int> runes)
    {
        if (value - Syllables is >= 0 and < SyllableCount and var syllable)
        {
            runes.Add(Leads + (syllable / (VowelCount * TrailCount)));
            runes.Add(Vowels + (syllable / TrailCount % VowelCount));
            if (syllable % TrailCount is > 0 and var trail) runes.Add(Trails + trail);
        }
        else if (Decompositions.TryGetValue(value, out var parts))
        {
            foreach (var part in parts) Decompose(part, runes);
        }
        else
        {
            runes.Add(value);
        }
    }

    /// <summary>Marks that follow each other stand in the order of their classes, those of one class as they were.</summary>
    private static void Order(List<int> runes)
    {
        for (int start = 0, end; start < runes.Count; start = end)
        {
            end = start + 1;
            if (Class(runes[start]) == 0) continue;
            while (end < runes.Count && Class(runes[end]) != 0) end++;
            if (end - start == 1) continue;
            var ordered = runes.GetRange(start, end - start).OrderBy(Class).ToArray();
            for (var i = 0; i < ordered.Length; i++) runes[start + i] = ordered[i];
        }
    }

    private static List<int> Compose(List<int> runes)
    {
        var composed = new List<int>(runes.Count);
        var (starter, before) = (-1, 0); // where the last starter lies, and the class of what lies behind it
        foreach (var value in runes)
        {
            // Blocked by a mark of its own class or a higher one in between, and by any starter.
            var own = Class(value);
            var free = starter >= 0 && (composed.Count == starter + 1 || (before != 0 && before < own));
            if (free && Composite(composed[starter], value) is { } composite)
            {
                composed[starter] = composite;
                continue;
            }

            if (own == 0) starter = composed.Count;
            before = own;
            composed.Add(value);
        }

        return composed;
    }

    private static int? Composite(int first, int second)
    {
        if (first - Leads is >= 0 and < LeadCount and var lead && second - Vowels is >= 0 and < VowelCount and var vowel)
            return Syllables + (((lead * VowelCount) + vowel) * TrailCount);
        if (first - Syllables is >= 0 and < SyllableCount and var syllable && syllable % TrailCount == 0 && second - Trails is > 0 and < TrailCount and var trail)
            return first + trail;
        return Composites.TryGetValue((first, second), out var composite) ? composite : null;
    }

    private static int Class(int value) => Classes.GetValueOrDefault(value);
}
