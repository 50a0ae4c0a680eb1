using System.CommandLine;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Summary;
using SelfRewarding.Control.View;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Commands;

/// <summary>
/// <c>selfreward run</c>: starts a run, or goes on with it; shows how it goes; ends when every model is published and measured.
/// </summary>
public static class RunCommand
{
    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var asked = RunOptions.Bind(options);
        var run = RunOptions.RunName(options, asked);
        var console = Terminal.Create();
        using var data = DataFolder.Open(RunOptions.DataFolder(options));
        await using var host = await RunHost.OpenAsync(data, run, cancellationToken);

        var recorded = await host.Log.FindAsync(StreamNames.Run(run), RunStage.Started, cancellationToken) as RunStarted;
        if (recorded is null)
            await StartAsync(host.Log, run, asked, cancellationToken);
        else
            RefuseOtherSettings(run, recorded.Settings, asked);

        var summary = await FoldAsync(host.Runs, run, cancellationToken);
        if (!summary.IsFinished && !await CarryOnAsync(host, run, console, options.GetValue(RunOptions.Plain), cancellationToken))
        {
            Console.WriteLine($"Stopped. The same command goes on from here; nothing is lost. ('selfreward show {run}' shows what there is.)");
            return CommandLine.Interrupted;
        }

        summary = await FoldAsync(host.Runs, run, CancellationToken.None);
        RunView.Write(console, summary, data.Path);
        return summary.End is { StopReason: not null } ? 1 : 0;
    }

    private static async Task StartAsync(FactLog log, string run, RunSettings settings, CancellationToken cancellationToken)
    {
        // Everything that a run stands on is looked at before its first event is written.
        if (settings.Model.Path is { } folder)
            CheckpointFolder.Load(folder).Dispose();
        if (settings.Prompts.Source != "model")
            CheckPrompts(settings);
        var seed = await Task.Run(() => SeedData.For(settings), cancellationToken);
        await log.AppendOnceAsync(StreamNames.Run(run), RunStage.Started, new RunStarted(run, settings, seed.Sets), cancellationToken);
    }

    private static void CheckPrompts(RunSettings settings)
    {
        var (found, needed) = (Jsonl.ReadPrompts(settings.Prompts.Source).Count(), settings.Iterations * settings.Prompts.PerIteration);
        if (found < needed)
            throw new DataFileException($"{settings.Prompts.Source} has {found} prompts, expected {needed} ({settings.Iterations} iterations of {settings.Prompts.PerIteration}): add prompts, or ask for fewer (--prompts).");
    }

    private static void RefuseOtherSettings(string run, RunSettings recorded, RunSettings asked)
    {
        var differences = SettingsDifferences.Between(recorded, asked);
        if (differences.Count > 0)
            throw new SettingsException([$"Run '{run}' exists with other settings; start another one (--run NAME), or ask for the same:", .. differences]);
    }

    private static async Task<RunSummary> FoldAsync(RunLog log, string run, CancellationToken cancellationToken)
    {
        var summary = new RunSummary(run);
        await foreach (var recorded in log.ReadAllAsync(0, run, cancellationToken))
            summary.Apply(recorded.Fact, recorded.At);
        return summary;
    }

    /// <summary>Starts the workers, publishes what is outstanding, and follows the log to the run's end.</summary>
    /// <returns>False when it was interrupted.</returns>
    private static async Task<bool> CarryOnAsync(
        RunHost host, string run, Spectre.Console.IAnsiConsole console, bool plain, CancellationToken cancellationToken)
    {
        await host.StartAsync(run, cancellationToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, host.Stopping);
        var summary = new RunSummary(run);
        await LiveView.ShowAsync(console, summary, host.Runs.FollowAsync(0, run, either.Token), TimeProvider.System, plain, either.Token);
        return host.Failure is { } failure ? throw new RunFailedException(failure.Message, failure) : summary.IsFinished;
    }
}
