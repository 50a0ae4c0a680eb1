using System.Text;

namespace SelfRewarding.Model;

/// <summary>
/// GPT-2's pre-tokenizer: <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>. Written out because .NET's expressions see UTF-16 units, so that
/// letters beyond the basic plane would not count as letters.
/// </summary>
internal static class Gpt2Words
{
    private enum Class
    {
        Space,
        Letter,
        Number,
        Other,
    }

    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    /// <summary>Lengths of the words of <paramref name="text"/> in UTF-16 units, in order; they sum to its length.</summary>
    public static IEnumerable<int> Lengths(string text)
    {
        for (int at = 0, length; at < text.Length; at += length)
        {
            length = LengthAt(text, at);
            yield return length;
        }
    }

    private static int LengthAt(string text, int start)
    {
        foreach (var contraction in Contractions)
        {
            if (string.CompareOrdinal(text, start, contraction, 0, contraction.Length) == 0) return contraction.Length;
        }

        // One space may lead a word of letters, numbers or other signs.
        var first = text[start] == ' ' && start + 1 < text.Length ? start + 1 : start;
        if (ClassAt(text, first, out _) is not Class.Space and var kind) return RunEnd(text, first, kind) - start;

        // White space leaves its last character to the word that follows.
        var end = RunEnd(text, start, Class.Space);
        if (end == text.Length) return end - start;
        return end - start > 1 ? end - start - 1 : 1;
    }

    private static int RunEnd(string text, int at, Class kind)
    {
        while (at < text.Length && ClassAt(text, at, out var width) == kind) at += width;
        return at;
    }

    private static Class ClassAt(string text, int at, out int width)
    {
        if (!Rune.TryGetRuneAt(text, at, out var rune))
        {
            width = 1;
            return Class.Other;
        }

        width = rune.Utf16SequenceLength;
        return Rune.IsWhiteSpace(rune) ? Class.Space : Rune.IsLetter(rune) ? Class.Letter : Rune.IsNumber(rune) ? Class.Number : Class.Other;
    }
}
