using System.Text;

namespace SelfRewarding.Model;

/// <summary>How long the first word of a text that is not empty is, in UTF-16 units: at least 1.</summary>
internal delegate int WordSplit(ReadOnlySpan<char> text);

/// <summary>
/// The pre-tokenizers of the tokenizers that are implemented. Written out, since .NET's expressions see UTF-16 units, so that letters beyond the basic plane would not count
/// as letters, and since each of these looks at a character a few times at most, whatever the text.
/// </summary>
internal static class WordSplits
{
    /// <summary>GPT-2's pattern.</summary>
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Llama 3's pattern: numbers in groups of three.</summary>
    public const string Llama3Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Qwen2's pattern: as Llama 3's, every digit by itself.</summary>
    public const string Qwen2Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private enum Class : byte
    {
        Space,
        Letter,
        Number,
        Other,
    }

    private static readonly string[] Contractions = ["s", "t", "re", "ve", "m", "ll", "d"];
    private static readonly Class[] AsciiClasses = [.. Enumerable.Range(0, 128).Select(value => ClassOf(new Rune(value)))];

    /// <summary>The split of a pattern, word for word as files have it; null for any other.</summary>
    public static WordSplit? Of(string pattern) => pattern switch
    {
        Gpt2Pattern => Gpt2,
        Llama3Pattern => Llama3,
        Qwen2Pattern => Qwen2,
        _ => null,
    };

    /// <summary><see cref="Gpt2Pattern"/>.</summary>
    public static int Gpt2(ReadOnlySpan<char> text)
    {
        if (Contraction(text, ignoreCase: false) is > 0 and var contraction) return contraction;

        // One space may lead a word of letters, numbers or other signs.
        var first = text[0] == ' ' && text.Length > 1 ? 1 : 0;
        return ClassAt(text, first, out _) is not Class.Space and var kind ? RunEnd(text, first, kind) : WhiteSpace(text);
    }

    /// <summary><see cref="Llama3Pattern"/>.</summary>
    public static int Llama3(ReadOnlySpan<char> text) => Modern(text, digits: 3);

    /// <summary><see cref="Qwen2Pattern"/>.</summary>
    public static int Qwen2(ReadOnlySpan<char> text) => Modern(text, digits: 1);

    /// <summary>SmolLM2's Digits: every numeric character by itself, whatever is between them as it is.</summary>
    public static int Digit(ReadOnlySpan<char> text)
    {
        if (ClassAt(text, 0, out var width) == Class.Number) return width;
        var end = width;
        while (end < text.Length && ClassAt(text, end, out width) != Class.Number) end += width;
        return end;
    }

    private static int Modern(ReadOnlySpan<char> text, int digits)
    {
        if (Contraction(text, ignoreCase: true) is > 0 and var contraction) return contraction;
        var kind = ClassAt(text, 0, out var width);
        if (kind == Class.Letter) return RunEnd(text, 0, Class.Letter);

        // Any sign but a line's end may lead a word of letters, not only a space.
        if (kind != Class.Number && text[0] is not ('\r' or '\n') && width < text.Length && ClassAt(text, width, out _) == Class.Letter) return RunEnd(text, width, Class.Letter);
        if (kind == Class.Number)
        {
            var end = width;
            for (var taken = 1; taken < digits && end < text.Length && ClassAt(text, end, out width) == Class.Number; taken++) end += width;
            return end;
        }

        var first = text[0] == ' ' && text.Length > 1 ? 1 : 0;
        if (ClassAt(text, first, out _) == Class.Other)
        {
            var end = RunEnd(text, first, Class.Other);
            while (end < text.Length && text[end] is '\r' or '\n') end++;
            return end;
        }

        // White space up to its last line's end is a word.
        var line = text[..RunEnd(text, 0, Class.Space)].LastIndexOfAny('\r', '\n');
        return line >= 0 ? line + 1 : WhiteSpace(text);
    }

    /// <summary>White space leaves its last character to the word that follows.</summary>
    private static int WhiteSpace(ReadOnlySpan<char> text)
    {
        var end = RunEnd(text, 0, Class.Space);
        return end == text.Length || end == 1 ? end : end - 1;
    }

    private static int Contraction(ReadOnlySpan<char> text, bool ignoreCase)
    {
        if (text[0] != '\'' || text.Length == 1) return 0;
        foreach (var contraction in Contractions)
        {
            if (text.Length <= contraction.Length) continue;
            var same = true;
            for (var i = 0; i < contraction.Length && same; i++) same = contraction[i] == (ignoreCase ? Fold(text[i + 1]) : text[i + 1]);
            if (same) return contraction.Length + 1;
        }

        return 0;

        // The long s is an s to expressions that ignore case.
        static char Fold(char letter) => letter == '\u017F' ? 's' : char.IsAsciiLetterUpper(letter) ? (char)(letter | 0x20) : letter;
    }

    private static int RunEnd(ReadOnlySpan<char> text, int at, Class kind)
    {
        while (at < text.Length && ClassAt(text, at, out var width) == kind) at += width;
        return at;
    }

    private static Class ClassAt(ReadOnlySpan<char> text, int at, out int width)
    {
        width = 1;
        if (text[at] < AsciiClasses.Length) return AsciiClasses[text[at]];

        // Half of a pair reads as U+FFFD, which is neither letter nor number nor space.
        Rune.DecodeFromUtf16(text[at..], out var rune, out width);
        return ClassOf(rune);
    }

    private static Class ClassOf(Rune rune) =>
        Rune.IsWhiteSpace(rune) ? Class.Space : Rune.IsLetter(rune) ? Class.Letter : Rune.IsNumber(rune) ? Class.Number : Class.Other;
}
