using System.CommandLine;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Model;
using SelfRewarding.PromptGen;

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
        using var data = DataFolder.OpenForRun(RunOptions.DataFolder(options));
        await using var host = await RunHost.OpenAsync(data, run, cancellationToken);

        var recorded = await host.Log.FindAsync(StreamNames.Run(run), RunStage.Started, cancellationToken) as RunStarted;
        if (recorded is null)
            await StartAsync(host.Log, run, asked, cancellationToken);
        else
            RefuseOtherSettings(run, recorded.Settings, asked);

        return await CarryOn.ToTheEndAsync(data, host, run, console, options.GetValue(RunOptions.Plain), cancellationToken);
    }

    private static async Task StartAsync(FactLog log, string run, RunSettings settings, CancellationToken cancellationToken)
    {
        // Everything that a run stands on is looked at before its first event is written.
        if (settings.Model.Path is { } folder)
            CheckpointFolder.Load(folder, chatTemplate: settings.Model.ChatTemplate, compute: ComputeType.Named(settings.Model.ComputeDtype)).Dispose();
        var seed = await Task.Run(() => SeedData.For(settings), cancellationToken);
        if (settings.Prompts.Source != "model")
            CheckPrompts(settings, seed);
        if (ValidationPrompts.Problem(seed, settings) is { } problem)
            await Console.Error.WriteLineAsync(problem);
        await log.AppendOnceAsync(StreamNames.Run(run), RunStage.Started, new RunStarted(run, settings, seed.Sets), cancellationToken);
    }

    // They become training data, unfiltered: what is measured on may not be among them.
    private static void CheckPrompts(RunSettings settings, SeedData seed)
    {
        var (file, needed) = (settings.Prompts.Source, (long)settings.Iterations * settings.Prompts.PerIteration);
        var heldOut = seed.HeldOutPrompts.Select(prompt => prompt.Prompt.Trim()).Concat(seed.HeldOutRanked.Select(prompt => prompt.Prompt.Trim())).ToHashSet(StringComparer.Ordinal);
        var found = 0L;
        foreach (var prompt in PromptFile.Read(file).TakeWhile(_ => found < needed))
        {
            found++;
            if (heldOut.Contains(prompt.Trim()))
                throw new DataFileException($"{file}: prompt {found}, \"{(prompt.Length <= 60 ? prompt : prompt[..57] + "...")}\", is also held out: take it out of one of the two, else the figures measure memory.");
        }

        if (found < needed)
            throw new DataFileException($"{file} has {found} prompts, expected {needed} ({settings.Iterations} iterations of {settings.Prompts.PerIteration}): add prompts, or ask for fewer (--prompts).");
    }

    private static void RefuseOtherSettings(string run, RunSettings recorded, RunSettings asked)
    {
        var differences = SettingsDifferences.Between(recorded, asked);
        if (differences.Count > 0)
            throw new SettingsException([$"Run '{run}' exists with other settings; start another one (--run NAME), or ask for the same:", .. differences]);
    }
}
