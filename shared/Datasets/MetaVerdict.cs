using System.Text.RegularExpressions;
using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>What was parsed from a comparison of two judgements: which one is better, or the reason why nobody can say. Never both.</summary>
/// <param name="FirstWins">True for A, which was shown first, false for B; null where it is unparsable.</param>
public readonly record struct ParsedVerdict(bool? FirstWins, string? Unparsable)
{
    /// <summary>Which of the two judgements, by their indices, is better; null where it is unparsable.</summary>
    public int? Of(int first, int second) => FirstWins is not { } wins ? null : wins ? first : second;
}

/// <summary>
/// Reads the verdict that a comparison of two judgements ends with, as strictly as <see cref="JudgeScore"/> reads a score.
/// <list type="bullet">
/// <item>The last <c>Winner:</c> of the completion decides, in any case, with or without Markdown around it. Earlier ones are never fallen back to.</item>
/// <item>On the same line stands <c>A</c> or <c>B</c>, perhaps as <c>Judgement A</c>, and no other word: <c>A or B</c>, <c>both</c> and <c>a tie</c> are unparsable.</item>
/// <item>Where the token limit or a server's filter cut the completion off on that line, it could have gone on: unparsable.</item>
/// </list>
/// </summary>
public static partial class MetaVerdict
{
    /// <summary>Parses a completion of the meta-judge (without the prompt).</summary>
    public static ParsedVerdict Parse(string raw, Finish finish)
    {
        var start = -1;
        foreach (var match in Label().EnumerateMatches(raw))
            start = match.Index + match.Length;
        if (start < 0)
            return No(finish == Finish.Stop ? "no \"Winner:\"" : "cut off before any \"Winner:\"");

        var length = raw.AsSpan(start).IndexOfAny('\n', '\r');
        if (length < 0 && finish != Finish.Stop)
            return No("cut off before the verdict's line ended");
        return Single().Match(length < 0 ? raw[start..] : raw.Substring(start, length)) is { Success: true } single
            ? new(single.Groups["side"].Value is "A" or "a", null)
            : No("neither A nor B alone after \"Winner:\"");
    }

    private static ParsedVerdict No(string reason) => new(null, reason);

    [GeneratedRegex("""(?<![\p{L}\p{N}])winner[*_"'`]*[ \t]*:""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Label();

    [GeneratedRegex("""^[\s*_<(\["'`]*(?:judge?ment[\s*_<(\["'`]+)?(?<side>[AB])[^\p{L}\p{N}]*$""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Single();
}
