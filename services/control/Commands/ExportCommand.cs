using System.CommandLine;
using SelfRewarding.Control.Export;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward export [RUN]</c>: pairs, demonstrations, judging examples or events, each whole in a file of its own.</summary>
public static class ExportCommand
{
    public static Argument<string?> Run { get; } = new("RUN") { Description = "The run's name [default: the latest run]", Arity = ArgumentArity.ZeroOrOne };
    public static Option<string?> Pairs { get; } = File("--pairs", "Preference pairs in TRL's format: prompt, chosen, rejected; with scores and ids");
    public static Option<string?> Sft { get; } = File("--sft", "What M1 was fine-tuned on: prompt, completion");
    public static Option<string?> Eft { get; } = File("--eft", "Its judging examples, as 'run --eft' reads them");
    public static Option<string?> Events { get; } = File("--events", "Every event of the run and of those that it comes from, for 'import'");

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        CheckFiles(options);
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        var run = Known.RunOrLatest(options.GetValue(Run), await log.Runs.NamesAsync(cancellationToken), log.Folder);
        var ancestry = await log.Catalog.AncestryOfAsync(run, cancellationToken);
        var lines = new DatasetLines(log.Runs, new TrainingData(log.Runs, log.Log, ancestry, new WorkerOptions { Data = log.Folder, Postgres = "" }), ancestry);
        if (options.GetValue(Pairs) is { } pairs)
            await WriteAsync(pairs, "preference pairs", lines.PairsAsync(cancellationToken), cancellationToken);
        if (options.GetValue(Sft) is not null || options.GetValue(Eft) is not null)
        {
            var seed = await new RunData(log.Catalog).OfAsync(run, cancellationToken);
            if (options.GetValue(Sft) is { } sft)
                await WriteAsync(sft, "demonstrations", lines.DemonstrationsAsync(seed, cancellationToken), cancellationToken);
            if (options.GetValue(Eft) is { } eft)
                await WriteAsync(eft, "judging examples", lines.JudgingAsync(seed, cancellationToken), cancellationToken);
        }

        if (options.GetValue(Events) is { } events)
            await WriteEventsAsync(events, log, [.. ancestry.Chain.Select(start => start.Run)], cancellationToken);
        return 0;
    }

    private static void CheckFiles(ParseResult options)
    {
        List<Option<string?>> given = [.. new[] { Pairs, Sft, Eft, Events }.Where(option => options.GetValue(option) is not null)];
        if (given.Count == 0)
            throw new UserException("Nothing is asked for: give a file to write to with --pairs, --sft, --eft or --events.");
        if (given.GroupBy(option => Path.GetFullPath(options.GetValue(option)!)).FirstOrDefault(group => group.Count() > 1) is { } same)
            throw new UserException($"{string.Join(" and ", same.Select(option => option.Name))} name the same file '{same.Key}': give each a file of its own.");
    }

    private static async Task WriteAsync(string file, string what, IAsyncEnumerable<CanonicalJson> lines, CancellationToken cancellationToken) =>
        await Console.Out.WriteLineAsync($"{file}: {Figures.Count(await OutputFile.WriteLinesAsync(file, lines, cancellationToken))} {what}.");

    private static async Task WriteEventsAsync(string file, LogReader log, IReadOnlyList<string> runs, CancellationToken cancellationToken)
    {
        EventFileSummary? summary = null;
        await OutputFile.WriteAsync(file, async stream =>
            summary = await EventFileWriter.WriteAsync(stream, runs, EventFileWriter.EventsOf(log.Database, runs, cancellationToken), cancellationToken));
        await Console.Out.WriteLineAsync($"{file}: {summary}. Model files are not in it.");
    }

    private static Option<string?> File(string name, string description) => new(name) { HelpName = "FILE", Description = description };
}
