using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.Control.Settings;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward replay [RUN]</c>: drops the read models, makes them anew from the log, and says whether they are what they were.</summary>
public static class ReplayCommand
{
    public static Argument<string?> Run { get; } = new("RUN") { Description = "The run's name [default: all runs]", Arity = ArgumentArity.ZeroOrOne };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        var run = options.GetValue(Run);
        if (run is not null)
            Known.Run(run, await log.Runs.NamesAsync(cancellationToken));
        // What was never folded cannot be compared: first the tables are brought up to the log.
        await log.ReadModels.CatchUpAsync(cancellationToken);

        var started = Stopwatch.GetTimestamp();
        var report = await Replay.RunAsync(log.Database, run, cancellationToken);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var what = run is null ? $"{report.Runs} run{(report.Runs == 1 ? "" : "s")}" : $"run '{run}'";
        await Console.Out.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"Rebuilt {what} from {report.Events:N0} events ({report.Facts:N0} facts) up to event {report.Position} in {seconds:0.0} s: {string.Join(", ", report.Rows.Select(table => $"{table.Table} {table.Rows:N0}"))}."));
        if (report.Difference is { } difference)
        {
            await Console.Out.WriteLineAsync($"The rows are not what they were. First difference: {difference}");
            return 1;
        }

        await Console.Out.WriteLineAsync("Every row is byte-identical to what was there before.");
        return 0;
    }
}
