using SelfRewarding.Control.Summary;
using SelfRewarding.Control.View;
using SelfRewarding.Hosting;
using Spectre.Console;

namespace SelfRewarding.Control.Commands;

/// <summary>Brings a run that is in the log to its end, shows how it goes, and then what came of it.</summary>
public static class CarryOn
{
    /// <summary>Opens the data folder and does so.</summary>
    public static async Task<int> ToTheEndAsync(string folder, string run, IAnsiConsole console, bool plain, CancellationToken cancellationToken)
    {
        using var data = DataFolder.Open(folder);
        await using var host = await RunHost.OpenAsync(data, run, cancellationToken);
        return await ToTheEndAsync(data, host, run, console, plain, cancellationToken);
    }

    /// <returns>The exit code.</returns>
    public static async Task<int> ToTheEndAsync(DataFolder data, RunHost host, string run, IAnsiConsole console, bool plain, CancellationToken cancellationToken)
    {
        var summary = await FoldAsync(host.Runs, run, cancellationToken);
        if (!summary.IsFinished)
        {
            summary = await FollowAsync(host, run, console, plain, cancellationToken);
            if (!summary.IsFinished)
            {
                Console.WriteLine($"Stopped. The same command goes on from here ('selfreward resume {run}' does, too); nothing is lost. ('selfreward show {run}' shows what there is.)");
                return CommandLine.Interrupted;
            }
        }

        RunView.Write(console, summary, data.Path);
        return summary.End is { StopReason: not null } ? 1 : 0;
    }

    private static async Task<RunSummary> FoldAsync(RunLog log, string run, CancellationToken cancellationToken)
    {
        var summary = new RunSummary(run);
        await foreach (var recorded in log.ReadAllAsync(0, run, cancellationToken))
            summary.Apply(recorded.Fact, recorded.At);
        return summary;
    }

    /// <summary>Starts the workers, publishes what is outstanding, and follows the log to the run's end, or until it is interrupted.</summary>
    private static async Task<RunSummary> FollowAsync(RunHost host, string run, IAnsiConsole console, bool plain, CancellationToken cancellationToken)
    {
        await host.StartAsync(run, cancellationToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, host.Stopping);
        var summary = new RunSummary(run);
        await LiveView.ShowAsync(console, summary, host.Runs.FollowAsync(0, run, either.Token), TimeProvider.System, plain, either.Token);
        return host.Failure is { } failure ? throw new RunFailedException(failure.Message, failure) : summary;
    }
}
