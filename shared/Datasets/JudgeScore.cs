using System.Globalization;
using System.Text.RegularExpressions;
using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>What was parsed from a judgement: a score, or the reason why there is none. Never both.</summary>
public readonly record struct ParsedScore(double? Score, string? Unparsable);

/// <summary>
/// Reads the score that a judgement ends with. A judgement parses or it does not; nothing is guessed, since a wrong score is worse than none.
/// <list type="bullet">
/// <item>The last <c>Score:</c> of the completion decides, in any case, with or without Markdown around it. Earlier ones are never fallen back to.</item>
/// <item>The number stands on the same line. Around it may be <c>* _ &lt; &gt; ( ) [ ] " ' `</c>; <c>4.5</c> is four and a half.</item>
/// <item><c>3/5</c> and <c>3 out of 5</c> are 3 where 5 is the highest score; <c>3/10</c> is unparsable.</item>
/// <item>Text may follow on that line, but no further number: <c>4 or 5</c>, <c>4-5</c> and <c>4,5</c> are unparsable. So are <c>four</c>, <c>NaN</c>, <c>80%</c>.</item>
/// <item>A number outside the range is unparsable: <c>10</c> is not 1.</item>
/// <item>Where the token limit or a server's filter cut the completion off on the score's own line, the score could have gone on: unparsable.</item>
/// </list>
/// </summary>
public static partial class JudgeScore
{
    /// <summary>Parses a completion of the judge (without the prompt).</summary>
    public static ParsedScore Parse(string raw, Finish finish, JudgeSettings settings) => Parse(raw, finish, settings.MinScore, settings.MaxScore);

    /// <summary>Parses a completion of the judge for scores from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public static ParsedScore Parse(string raw, Finish finish, double min, double max)
    {
        var start = -1;
        foreach (var match in Label().EnumerateMatches(raw))
            start = match.Index + match.Length;
        if (start < 0)
            return No(finish == Finish.Stop ? "no \"Score:\"" : $"{CutOff(finish)} before any \"Score:\"");

        var length = raw.AsSpan(start).IndexOfAny('\n', '\r');
        if (length < 0 && finish != Finish.Stop)
            return No($"{CutOff(finish)} before the score's line ended");
        var line = length < 0 ? raw[start..] : raw.Substring(start, length);
        if (!Number().IsMatch(line))
            return No("no number after \"Score:\"");
        if (Single().Match(line) is not { Success: true } single)
            return No("more than a single number after \"Score:\"");

        var score = double.Parse(single.Groups["score"].ValueSpan, CultureInfo.InvariantCulture);
        if (single.Groups["of"] is { Success: true } of && double.Parse(of.ValueSpan, CultureInfo.InvariantCulture) != max)
            return No(string.Create(CultureInfo.InvariantCulture, $"a score out of {of.ValueSpan}, expected out of {max}"));
        return score >= min && score <= max ? new(score, null) : No(string.Create(CultureInfo.InvariantCulture, $"{score} is outside {min} to {max}"));
    }

    private static ParsedScore No(string reason) => new(null, reason);

    private static string CutOff(Finish finish) => finish == Finish.Length ? "cut off at the token limit" : "cut off by the server's content filter";

    [GeneratedRegex("""(?<![\p{L}\p{N}])score[*_"'`]*[ \t]*:""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Label();

    // A number that ends where it seems to: not 4th, 4e1, 4½ or 80%.
    [GeneratedRegex("""^[\s*_<(\["'`]*[+-]?[0-9]+(?:\.[0-9]+)?(?![\p{L}\p{N}%])""", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(
        """
        ^[\s*_<(\["'`]*(?<score>[+-]?[0-9]+(?:\.[0-9]+)?)(?![\p{L}\p{N}%])[\s*_>)\]"'`]*(?:(?:/|\bout\ of\b)[\s*_<(\["'`]*(?<of>[0-9]+(?:\.[0-9]+)?)(?![\p{L}\p{N}%]))?[^\p{N}]*$
        """,
        RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Single();
}
