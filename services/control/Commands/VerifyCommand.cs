using System.CommandLine;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Verify;
using SelfRewarding.Control.View;
using SelfRewarding.Hosting;
using Spectre.Console;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward verify [RUN]</c>: recomputes what can be recomputed, and says what does not agree. Exit code 1 on any difference.</summary>
public static class VerifyCommand
{
    public static Argument<string?> Run { get; } = new("RUN") { Description = "The run's name [default: the latest run]", Arity = ArgumentArity.ZeroOrOne };
    public static Option<int> Regenerate { get; } = new("--regenerate") { HelpName = "K", Description = "Also generate K random answers and judgements again (and K answers of compared checkpoints), and compare text for text" };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        var run = Known.RunOrLatest(options.GetValue(Run), await log.Runs.NamesAsync(cancellationToken), log.Folder);
        if (options.GetValue(Regenerate) < 0)
            throw new UserException($"--regenerate {options.GetValue(Regenerate)}: expected a number of answers from 0 up.");
        var ancestry = await log.Catalog.AncestryOfAsync(run, cancellationToken);
        var report = new VerifyReport();
        var seed = await Task.Run(() => SeedChecks.Load(report, ancestry), cancellationToken);
        var place = new WorkerOptions { Data = log.Folder, Postgres = "" };
        var missing = await new RunVerifier(log.Runs, log.Log, log.Store, place, ancestry, seed, report).CheckAsync(cancellationToken);
        if (options.GetValue(Regenerate) is > 0 and var count)
            await new Regenerator(log, ancestry, report).CheckAsync(count, cancellationToken);
        string[] notes = [.. missing.Length > 0 ? [$"Checked what there is; {missing}."] : Array.Empty<string>(), .. SharedParts.Sentences(ancestry)];
        Write(Terminal.Create(), $"run {run}", report, notes, "recomputed");
        return report.Differences == 0 ? 0 : 1;
    }

    internal static void Write(IAnsiConsole console, string subject, VerifyReport report, IReadOnlyList<string> notes, string other)
    {
        var table = new Table().AddColumn(new TableColumn(new Text(subject))).AddColumn(new TableColumn("checked").RightAligned()).AddColumn(new TableColumn("different").RightAligned()).Border(TableBorder.Simple);
        foreach (var (check, made, different) in report.Counts)
            table.AddRow(new Text(check), new Text(Figures.Count(made)), new Text(Figures.Count(different)));
        console.Write(table);
        foreach (var note in notes)
            console.Profile.Out.Writer.WriteLine(note);
        foreach (var (what, why) in report.Unchecked)
            console.Profile.Out.Writer.WriteLine($"Not checked: {what} ({why.TrimEnd('.')}).");
        if (report.First is { } first)
        {
            console.Profile.Out.Writer.WriteLine($"First difference: {first.Subject}");
            console.Profile.Out.Writer.WriteLine($"  rule:{new string(' ', other.Length - 3)}{first.Check}");
            console.Profile.Out.Writer.WriteLine($"  recorded:{new string(' ', other.Length - 7)}{first.Recorded}");
            console.Profile.Out.Writer.WriteLine($"  {other}: {first.Recomputed}");
        }
        else
        {
            console.Profile.Out.Writer.WriteLine(report.Unchecked.Count == 0 ? "Everything agrees." : "What was checked agrees.");
        }
    }
}
