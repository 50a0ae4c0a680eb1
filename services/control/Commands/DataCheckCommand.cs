using System.CommandLine;
using SelfRewarding.Control.View;
using SelfRewarding.Datasets;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward data check FILE</c>: what is wrong with a data file, a line for each line of it. Exit code 1 on anything.</summary>
public static class DataCheckCommand
{
    public static Argument<string> File { get; } = new("FILE") { Description = "JSON Lines, gzip by name (.gz)" };
    public static Option<string?> Kind { get; } = new("--kind") { HelpName = "KIND", Description = "prompts, ift, eft, ranked or pairs [default: what the lines are]" };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var file = options.GetRequiredValue(File);
        var check = new DataFileCheck(file, KindOf(options.GetValue(Kind)));
        foreach (var problem in check.Problems())
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Console.Out.WriteLineAsync(problem);
        }

        await Console.Out.WriteLineAsync($"{file}: {Summary(check)}");
        return check.Wrong == 0 ? 0 : 1;
    }

    private static DataKind? KindOf(string? name) => name is null ? null
        : DataKinds.ByName.TryGetValue(name, out var kind) ? kind
        : throw new UserException($"--kind is '{name}', expected one of {string.Join(", ", DataKinds.ByName.Keys)}.");

    private static string Summary(DataFileCheck check)
    {
        var right = Figures.Count(check.Right);
        var found = check.Kind switch
        {
            DataKind.Prompts => $"{right} prompts",
            DataKind.Ift => $"{right} demonstrations",
            DataKind.Eft => $"{right} judged answers{Histogram(check)}",
            DataKind.Ranked => $"{right} ranked prompts with {Figures.Count(check.Answers)} answers, {Figures.Count(check.RankedPairs)} pairs of different rank",
            DataKind.Pairs => $"{right} preference pairs",
            _ => "no example",
        };
        return check.Wrong == 0 ? $"{found}, nothing wrong." : $"{found}, {Figures.Count(check.Wrong)} wrong.";
    }

    private static string Histogram(DataFileCheck check) =>
        check.Right == 0 ? "" : $" ({string.Join(", ", check.Scores.Select(score => $"{Figures.Count(score.Value)} with score {score.Key}"))})";
}
