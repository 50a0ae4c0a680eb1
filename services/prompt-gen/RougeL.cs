using System.Globalization;
using System.Numerics;
using System.Text;

namespace SelfRewarding.PromptGen;

/// <summary>
/// ROUGE-L over words (Lin 2004): precision and recall of the longest common subsequence, F1 = 2·LCS / (m + n).
/// Words are in any script, unlike those of tokenizers that keep <c>a-z0-9</c> only and so find no likeness between two Russian texts.
/// </summary>
public static class RougeL
{
    /// <summary>
    /// The words of a text in lower case: runs of letters, marks and digits, with apostrophes inside them. Scripts that put no space
    /// between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) give a word for each letter.
    /// </summary>
    public static IReadOnlyList<string> Words(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        void End()
        {
            if (word.Length > 0)
                words.Add(word.ToString());
            word.Clear();
        }

        var apostrophe = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (!IsWordPart(rune))
            {
                // An apostrophe holds a word together only if letters go on behind it.
                var holds = rune.Value is '\'' or '’' && word.Length > 0 && !apostrophe;
                if (!holds)
                    End();
                apostrophe = holds;
                continue;
            }

            if (IsUnspaced(rune) && !IsMark(rune))
                End();
            else if (apostrophe && word.Length > 0)
                word.Append('\'');
            apostrophe = false;
            word.Append(Rune.ToLowerInvariant(rune));
        }

        End();
        return words;
    }

    /// <summary>F1 of two texts, 0 to 1; 0 where either has no words.</summary>
    public static double F1(string a, string b)
    {
        var index = new RougeLIndex();
        index.Add(a);
        return index.Nearest(b, above: 0)?.F1 ?? 0;
    }

    /// <summary>F1 from the length of the longest common subsequence and the two texts' numbers of words.</summary>
    internal static double F1(int lcs, int m, int n) => 2.0 * lcs / (m + n);

    /// <summary>
    /// Length of the longest common subsequence, a bit for each word of the first text: after row j, bit i of V is 0 where the LCS of
    /// a[..i+1] and b[..j+1] is one longer than that of a[..i] and b[..j+1] (Hyyrö 2004). Costs |b| · ⌈|a| / 64⌉ steps.
    /// </summary>
    /// <param name="positions">The bits of a word's places in the first text; null for a word that it lacks.</param>
    /// <param name="b">The second text's words.</param>
    /// <param name="v">Scratch of ⌈|a| / 64⌉ blocks.</param>
    internal static int LongestCommonSubsequence(ReadOnlySpan<ulong[]?> positions, ReadOnlySpan<int> b, Span<ulong> v)
    {
        v.Fill(ulong.MaxValue);
        foreach (var word in b)
        {
            if (positions[word] is not { } mask)
                continue;
            var carry = 0UL;
            for (var block = 0; block < v.Length; block++)
            {
                // V = (V + (V & M)) | (V & ~M), the addition carried across blocks.
                var (old, matched) = (v[block], v[block] & mask[block]);
                var sum = old + matched;
                var overflow = sum < old ? 1UL : 0UL;
                sum += carry;
                overflow |= sum < carry ? 1UL : 0UL;
                v[block] = sum | (old & ~mask[block]);
                carry = overflow;
            }
        }

        // Bits past the end of the first text never match, so they stay 1.
        var length = 0;
        foreach (var block in v)
            length += BitOperations.PopCount(~block);
        return length;
    }

    private static bool IsWordPart(Rune rune) => Rune.IsLetterOrDigit(rune) || IsMark(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherNumber;

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    private static bool IsUnspaced(Rune rune) => rune.Value switch
    {
        < 0x0E00 => false,
        <= 0x0EFF => true, // Thai, Lao
        >= 0x1000 and <= 0x109F => true, // Burmese
        >= 0x1780 and <= 0x17FF => true, // Khmer
        >= 0x3040 and <= 0x30FF => true, // Hiragana, Katakana
        >= 0x3400 and <= 0x4DBF => true, // Han, extension A
        >= 0x4E00 and <= 0x9FFF => true, // Han
        >= 0xF900 and <= 0xFAFF => true, // Han, compatibility
        >= 0x20000 and <= 0x3FFFF => true, // Han, further extensions
        _ => false,
    };
}
