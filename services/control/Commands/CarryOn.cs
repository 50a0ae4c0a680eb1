using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Summary;
using SelfRewarding.Control.View;
using Spectre.Console;

namespace SelfRewarding.Control.Commands;

/// <summary>Brings a run that is in the log to its end, shows how it goes, and then what came of it.</summary>
public static class CarryOn
{
    /// <summary>Opens the data folder and does so.</summary>
    public static async Task<int> ToTheEndAsync(string folder, string run, IAnsiConsole console, bool plain, CancellationToken cancellationToken)
    {
        using var data = DataFolder.OpenForRun(folder);
        await using var host = await RunHost.OpenAsync(data, run, cancellationToken);
        return await ToTheEndAsync(data, host, run, console, plain, cancellationToken);
    }

    /// <returns>The exit code.</returns>
    public static async Task<int> ToTheEndAsync(DataFolder data, RunHost host, string run, IAnsiConsole console, bool plain, CancellationToken cancellationToken)
    {
        await host.ReadModels.CatchUpAsync(cancellationToken);
        var (summary, position) = await host.ReadModels.SummaryOfAsync(run, cancellationToken);
        if (!summary.IsFinished)
        {
            if (summary.Settings is { } settings && WithoutMetaJudge(run, settings) is { } without)
                await Console.Error.WriteLineAsync(without);
            await FollowAsync(host, summary, position, console, plain, cancellationToken);
            if (!summary.IsFinished)
            {
                Console.WriteLine(data.IsWatched
                    ? $"The workers go on with it; the same command looks on again. ('selfreward show {run}' shows what there is{(data.Up is null ? "" : ", 'selfreward down' stops the workers")}.)"
                    : $"Stopped. The same command goes on from here ('selfreward resume {run}' does, too); nothing is lost. ('selfreward show {run}' shows what there is.)");
                return CommandLine.Interrupted;
            }
        }

        RunView.Write(console, summary, data.Path);
        return summary.End is { StopReason: not null } ? 1 : 0;
    }

    /// <summary>The sentence about a run that has its preset's name and not its meta-judge, as those have that were recorded before the preset had one; null for any other.</summary>
    public static string? WithoutMetaJudge(string run, RunSettings settings) => settings.Preset == Presets.Meta.Preset && settings.Judge.MetaIterations is null
        ? $"Run '{run}' compares no judgements, as its settings were recorded: preset {Presets.Meta.Preset} has a meta-judge now (judge.meta_iterations), this run goes on without."
        : null;

    /// <summary>Starts the workers, publishes what is outstanding, and follows the log to the run's end, or until it is interrupted.</summary>
    private static async Task FollowAsync(RunHost host, RunSummary summary, long position, IAnsiConsole console, bool plain, CancellationToken cancellationToken)
    {
        await host.StartAsync(summary.Run, cancellationToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, host.Stopping);
        await LiveView.ShowAsync(console, summary, host.Runs.FollowAsync(position, summary.Run, either.Token), TimeProvider.System, plain, either.Token);
        if (host.Failure is { } failure)
            throw new RunFailedException(failure.Message, failure);
    }
}
