using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace SelfRewarding.Datasets.Kata;

/// <summary>
/// A tiny instruction whose right answer is known, such as <c>reverse: dcab</c>. Kata exists so that the whole method can be measured
/// against ground truth with a model that trains in minutes; nothing inside the loop may look at <see cref="RightAnswer"/>.
/// </summary>
/// <param name="Family">One of <see cref="Families"/>.</param>
/// <param name="Word">Letters <c>a</c> to <c>j</c>.</param>
public sealed record KataInstruction(string Family, string Word)
{
    /// <summary>The letters that words are made of.</summary>
    public const string Letters = "abcdefghij";

    private const string Separator = ": ";
    private const string Vowels = "aei";

    private static readonly SearchValues<char> s_letters = SearchValues.Create(Letters);

    private static readonly Dictionary<string, Func<string, string>> s_answers = new(StringComparer.Ordinal)
    {
        ["copy"] = word => word,
        ["reverse"] = word => string.Concat(word.Reverse()),
        ["sort"] = word => string.Concat(word.Order()),
        ["upper"] = word => word.ToUpperInvariant(),
        ["double"] = word => string.Concat(word.Select(letter => new string(letter, 2))),
        ["swap"] = word => word.Length < 2 ? word : $"{word[^1]}{word[1..^1]}{word[0]}",
        ["novowel"] = word => string.Concat(word.Where(letter => !Vowels.Contains(letter))),
        ["last"] = word => word.Length <= 2 ? word : word[^2..],
    };

    /// <summary>
    /// <c>copy</c>, <c>reverse</c>, <c>sort</c>, <c>upper</c> (case), <c>double</c> (each letter), <c>swap</c> (first and last),
    /// <c>novowel</c> (drops a, e, i), <c>last</c> (two letters).
    /// </summary>
    public static IReadOnlyList<string> Families { get; } = [.. s_answers.Keys];

    /// <summary>The one right answer. Empty only for <c>novowel</c> of a word that is all vowels.</summary>
    public string RightAnswer => s_answers[Family](Word);

    /// <summary>The instruction as the model reads it.</summary>
    public override string ToString() => Family + Separator + Word;

    /// <summary>Reads an instruction; false for anything that is not one: unknown family, no word, a letter outside a–j.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out KataInstruction? instruction)
    {
        instruction = null;
        var at = text?.IndexOf(Separator, StringComparison.Ordinal) ?? -1;
        if (at < 0)
            return false;
        var (family, word) = (text![..at], text[(at + Separator.Length)..]);
        if (word.Length == 0 || !s_answers.ContainsKey(family) || word.AsSpan().ContainsAnyExcept(s_letters))
            return false;
        instruction = new(family, word);
        return true;
    }

    /// <summary>Reads an instruction.</summary>
    /// <exception cref="FormatException">The text is not a Kata instruction.</exception>
    public static KataInstruction Parse(string text) => TryParse(text, out var instruction)
        ? instruction
        : throw new FormatException($"\"{text}\" is not a Kata instruction; expected one of {string.Join(", ", Families)}, then \": \" and a word of letters a-j.");
}
