using SelfRewarding.Contracts;
using SelfRewarding.Control.View;
using Spectre.Console;

namespace SelfRewarding.Control.Fork;

/// <summary>What a fork would change, as tables.</summary>
public static class WhatIfView
{
    private const int MostShown = 12;

    public static void Write(IAnsiConsole console, string parent, int iteration, WhatIf whatIf)
    {
        var counts = new Table().AddColumns($"{whatIf.Prompts} prompts of iteration {iteration}", $"in {parent}", "in the fork").Border(TableBorder.Simple);
        foreach (var kind in whatIf.Before.Keys.Union(whatIf.After.Keys).OrderByDescending(kind => kind == "pair").ThenBy(kind => kind, StringComparer.Ordinal))
        {
            counts.AddRow(
                new Text(kind switch { "pair" => "pairs", WhatIf.JudgingPair => "pairs of judgements", _ => $"no pair: {kind}" }),
                new Text(Figures.Count(whatIf.Before.GetValueOrDefault(kind))), new Text(Figures.Count(whatIf.After.GetValueOrDefault(kind))));
        }

        console.Write(counts);
        if (whatIf.Changed.Count == 0)
        {
            console.WriteLine("No prompt would settle otherwise: the fork would train on the same pairs.");
            return;
        }

        console.WriteLine($"{Figures.Count(whatIf.Changed.Count)} prompts would settle otherwise{(whatIf.Changed.Count > MostShown ? $", the first {MostShown}" : "")}:");
        var changes = new Table().AddColumns("prompt", "recorded", "in the fork").Border(TableBorder.Simple);
        foreach (var change in whatIf.Changed.Take(MostShown))
            changes.AddRow(new Text($"{parent}/{iteration}/{change.Ordinal}"), new Text(InWords(change.Before)), new Text(InWords(change.After)));
        console.Write(changes);
    }

    private static string InWords(object? outcome) => Answers(outcome) + Judging(outcome);

    private static string Answers(object? outcome) => outcome is PreferencePairBuilt pair
        ? FormattableString.Invariant($"answer {pair.Chosen.Candidate} ({pair.Chosen.Score:0.##}) over {pair.Rejected.Candidate} ({pair.Rejected.Score:0.##})")
        : WhatIf.Kind(outcome);

    private static string Judging(object? outcome) => JudgingOutcome.Of(outcome)?.Pair is { } pair ? $"; judgement {pair.Chosen.Judgement} over {pair.Rejected.Judgement}" : "";
}
