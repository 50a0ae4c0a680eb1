using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Commands;

namespace SelfRewarding.Control.Lineage;

/// <summary>
/// What a person asks about: <c>RUN/1/17</c> is prompt 17 of iteration 1, <c>RUN/1/17/c2</c> its answer 2, <c>RUN/1/17/c2/j0</c> a judgement of that,
/// <c>RUN/1/17/pair</c> the pair, <c>RUN/1/17/judging</c> the pair of judgements, <c>RUN/M2</c> a model, <c>RUN/M2/step/40</c> a training step, <c>RUN/seed/17</c> or <c>RUN/ift/17</c> an example of the
/// seed (see <see cref="SeedExamples"/>). In a log with one run its name may be left out; names of
/// streams (<c>prompt-RUN-1-17</c>, <c>training-RUN-M2</c>) are understood, too.
/// </summary>
public sealed record LineageId(string Run, int? Iteration = null, int? Ordinal = null, int? Candidate = null, int? Judgement = null, string? Model = null, int? Step = null, string? Set = null, int? Example = null)
{
    /// <summary>All forms in words.</summary>
    public const string Forms =
        "RUN/1/17 (a prompt), RUN/1/17/c2 (an answer), RUN/1/17/c2/j0 (a judgement), RUN/1/17/pair or RUN/1/17/judging (its pairs), RUN/M2 (a model), RUN/M2/step/40, or RUN/seed/17 (an example of the seed; also ift, eft, drafts, ranked)";

    /// <summary>Reads an id.</summary>
    /// <param name="text">As typed.</param>
    /// <param name="names">The runs in the log.</param>
    /// <exception cref="UserException">It is none, or names no run of the log.</exception>
    public static LineageId Parse(string text, IReadOnlyList<string> names)
    {
        var parts = OfStream(text, names) ?? text.Split('/', StringSplitOptions.TrimEntries);
        if (names.Count == 1 && parts[0] != names[0] && (IsModel(parts[0]) || SeedExamples.Sets.Contains(parts[0]) || int.TryParse(parts[0], out _)))
            parts = [names[0], .. parts];
        if (parts.Length < 2)
            throw new UserException($"'{text}' is no id, expected {Forms}.");
        var id = new LineageId(Known.Run(parts[0], names));
        return parts[1..] switch
        {
            [var model] when IsModel(model) => id with { Model = model },
            [var model, "step", var step] when IsModel(model) && Number(step) is { } n => id with { Model = model, Step = n },
            [var set, var example] when SeedExamples.Sets.Contains(set) && Number(example) is { } n => id with { Set = set, Example = n },
            [var iteration, var ordinal, .. var rest] when Number(iteration) is { } i && Number(ordinal) is { } o => rest switch
            {
                [] or ["pair"] or ["judging"] => id with { Iteration = i, Ordinal = o },
                [var answer] when Number(answer, 'c') is { } c => id with { Iteration = i, Ordinal = o, Candidate = c },
                [var answer, var judgement] when Number(answer, 'c') is { } c && Number(judgement, 'j') is { } j => id with { Iteration = i, Ordinal = o, Candidate = c, Judgement = j },
                _ => throw new UserException($"'{text}' is no id, expected {Forms}."),
            },
            _ => throw new UserException($"'{text}' is no id, expected {Forms}."),
        };
    }

    private static string[]? OfStream(string text, IReadOnlyList<string> names)
    {
        // The longest name that fits: one run's name may begin another's.
        foreach (var run in names.OrderByDescending(name => name.Length))
        {
            if (text.StartsWith($"prompt-{run}-", StringComparison.Ordinal))
                return [run, .. text[$"prompt-{run}-".Length..].Split('-')];
            if (text.StartsWith($"training-{run}-", StringComparison.Ordinal))
                return [run, text[$"training-{run}-".Length..]];
        }

        // The stream of a run that is not there: said as such, with the runs that are near.
        return text.Split('-') switch
        {
            ["prompt", .. { Length: > 0 } run, var iteration, var ordinal] when Number(iteration) is not null && Number(ordinal) is not null => [string.Join('-', run), iteration, ordinal],
            ["training", .. { Length: > 0 } run, var model] when IsModel(model) => [string.Join('-', run), model],
            _ => null,
        };
    }

    private static bool IsModel(string name) => name is ModelNames.Base or ModelNames.Baseline || ModelNames.Iteration(name) is not null;

    private static int? Number(string text, char? prefix = null) =>
        prefix is { } letter && !text.StartsWith(letter) ? null
        : int.TryParse(prefix is null ? text : text[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
