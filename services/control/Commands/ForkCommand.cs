using System.CommandLine;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Fork;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Commands;

/// <summary>
/// <c>selfreward fork RUN --at ITERATION --from STAGE</c>: a new run that shares the log of another up to there, by reference, and goes on with
/// other settings. With <c>--dry-run</c> it says what would change, and records nothing.
/// </summary>
public static class ForkCommand
{
    public static Argument<string> Parent { get; } = new("RUN") { Description = "The run to branch off from" };
    public static Option<int> At { get; } = new("--at") { HelpName = "ITERATION", Description = "The first iteration to do anew", Required = true };

    public static Option<ForkStage> From { get; } = new("--from")
    {
        HelpName = "STAGE",
        Description = "The first stage of it to do anew: prompts, candidates, judgements or pairs",
        Required = true,
    };

    public static Option<bool> DryRun { get; } = new("--dry-run") { Description = "Say what would change, and do nothing" };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var folder = RunOptions.DataFolder(options);
        var console = Terminal.Create();
        string run;
        await using (var reader = await LogReader.OpenAsync(folder, cancellationToken))
        {
            var names = await reader.Runs.NamesAsync(cancellationToken);
            var origin = new RunOrigin(Known.Run(options.GetValue(Parent)!, names), options.GetValue(At), options.GetValue(From));
            var parent = await reader.Catalog.AncestryOfAsync(origin.Parent, cancellationToken);
            var settings = RunOptions.BindFork(options, parent.Start.Settings);
            if (ForkRules.Problems(origin, parent.Start.Settings, settings) is { Count: > 0 } problems)
                throw new SettingsException(problems);
            await ForkPoint.CheckAsync(reader.Runs, parent.Start, origin, cancellationToken);

            run = RunOptions.ForkName(options) ?? FreeName(origin.Parent, names);
            var fork = new RunStarted(run, settings, parent.Root.Seeds, origin);
            if (settings.Dpo.EarlyStopping.Every > 0 && ValidationPrompts.Problem(await new RunData(reader.Catalog).OfAsync(origin.Parent, cancellationToken), settings, isFork: true) is { } problem)
                await Console.Error.WriteLineAsync(problem);
            if (options.GetValue(DryRun))
            {
                await TellAsync(console, reader.Runs, parent, fork, cancellationToken);
                return 0;
            }

            // Before anything is recorded: a fork that cannot go on because another run has the folder leaves nothing behind.
            if (LogServer.Shared is null && !reader.HasFolder)
                DataFolder.Open(folder).Dispose();
            if (names.Contains(run))
                RefuseOther(await reader.Catalog.StartOfAsync(run, cancellationToken), fork);
            else
                await reader.Log.AppendOnceAsync(StreamNames.Run(run), RunStage.Started, fork, cancellationToken);
        }

        return await CarryOn.ToTheEndAsync(folder, run, console, options.GetValue(RunOptions.Plain), cancellationToken);
    }

    private static string FreeName(string parent, IReadOnlyList<string> names) =>
        Enumerable.Range(1, int.MaxValue).Select(n => $"{parent}-fork-{n}").First(name => !names.Contains(name));

    private static void RefuseOther(RunStarted recorded, RunStarted asked)
    {
        if (recorded.Origin != asked.Origin)
            throw new UserException($"Run '{asked.Run}' exists and is not this fork ({Branch(recorded)}, asked for {Branch(asked)}): give the fork another name (--run), or go on with that run ('selfreward resume {asked.Run}').");
        if (SettingsDifferences.All(recorded.Settings, asked.Settings) is [var (path, before, after), ..])
            throw new UserException($"Fork '{asked.Run}' exists with {path} {before}, asked for {after}: give this one another name (--run), or go on with that one ('selfreward resume {asked.Run}').");
    }

    private static string Branch(RunStarted run) =>
        run.Origin is { } origin ? $"it comes from '{origin.Parent}', iteration {origin.Iteration}, {ForkRules.InWords(origin.From)}" : "it began at M0";

    private static async Task TellAsync(Spectre.Console.IAnsiConsole console, RunLog log, Ancestry parent, RunStarted fork, CancellationToken cancellationToken)
    {
        var (origin, settings) = (fork.Origin!, fork.Settings);
        var prompts = settings.Prompts.PerIteration;
        var model = ModelNames.OfIteration(origin.Iteration + 1);
        if (origin.From == ForkStage.Pairs)
        {
            WhatIfView.Write(console, origin.Parent, origin.Iteration, await WhatIf.OfAsync(log, parent, fork, cancellationToken));
            return;
        }

        var (answers, judgements) = (settings.Candidates.Count, settings.Judge.Count);
        string[] work =
        [
            .. origin.From == ForkStage.Prompts ? [$"{Figures.Count(prompts)} prompts"] : Array.Empty<string>(),
            .. origin.From <= ForkStage.Candidates ? [$"{Figures.Count(prompts * answers)} answers"] : Array.Empty<string>(),
            $"{Figures.Count(prompts * answers * judgements)} judgements",
            .. settings.Judge.IsMetaJudged(origin.Iteration) ? [$"up to {Figures.Count(prompts * judgements * (judgements - 1))} comparisons of judgements"] : Array.Empty<string>(),
        ];
        await Console.Out.WriteLineAsync(
            $"The fork would share {ModelNames.OfIteration(origin.Iteration)} of run '{origin.Parent}' and its iteration {origin.Iteration} up to the {ForkRules.InWords(origin.From)}; " +
            $"it would generate {string.Join(", ", work)} for iteration {origin.Iteration}, then train {model}. How many pairs come of that is known only then.");
    }
}
