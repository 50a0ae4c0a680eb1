using System.CommandLine;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Summary;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward show [RUN]</c>: the tables of a run, from the log alone, also while it runs.</summary>
public static class ShowCommand
{
    public static Argument<string?> Run { get; } = new("RUN") { Description = "The run's name [default: the latest run]", Arity = ArgumentArity.ZeroOrOne };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        var summaries = new Dictionary<string, RunSummary>(StringComparer.Ordinal);
        var names = new List<string>();
        await foreach (var recorded in log.Runs.ReadAllAsync(0, null, cancellationToken))
        {
            if (recorded.Fact is RunStarted started)
            {
                names.Add(started.Run);
                summaries[started.Run] = new RunSummary(started.Run);
            }

            foreach (var summary in summaries.Values)
                summary.Apply(recorded.Fact, recorded.At);
        }

        var run = options.GetValue(Run) ?? names.LastOrDefault() ?? throw new UserException($"The log in '{log.Folder}' has no run yet: 'selfreward run' makes one.");
        if (!summaries.TryGetValue(run, out var shown))
            throw new UserException($"The log has no run '{run}', expected one of: {string.Join(", ", names)}.");
        RunView.Write(Terminal.Create(), shown, log.Folder);
        return 0;
    }
}
