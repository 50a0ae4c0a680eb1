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
    public static Option<int> Regenerate { get; } = new("--regenerate") { HelpName = "K", Description = "Also generate K random answers and judgements again, and compare text for text" };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        var run = Known.RunOrLatest(options.GetValue(Run), await log.Runs.NamesAsync(cancellationToken), log.Folder);
        if (options.GetValue(Regenerate) < 0)
            throw new UserException($"--regenerate {options.GetValue(Regenerate)}: expected a number of answers from 0 up.");
        var ancestry = await log.Catalog.AncestryOfAsync(run, cancellationToken);
        var report = new VerifyReport();
        var missing = await new RunVerifier(log, ancestry, await new RunData(log.Catalog).OfAsync(run, cancellationToken), report).CheckAsync(cancellationToken);
        if (options.GetValue(Regenerate) is > 0 and var count)
            await new Regenerator(log, ancestry, report).CheckAsync(count, cancellationToken);
        Write(Terminal.Create(), $"run {run}", report, missing, "recomputed");
        return report.Differences == 0 ? 0 : 1;
    }

    internal static void Write(IAnsiConsole console, string subject, VerifyReport report, string missing, string other)
    {
        var table = new Table().AddColumn(new TableColumn(new Text(subject))).AddColumn(new TableColumn("checked").RightAligned()).AddColumn(new TableColumn("different").RightAligned()).Border(TableBorder.Simple);
        foreach (var (check, made, different) in report.Counts)
            table.AddRow(new Text(check), new Text(Figures.Count(made)), new Text(Figures.Count(different)));
        console.Write(table);
        if (missing.Length > 0)
            console.Profile.Out.Writer.WriteLine($"Checked what there is; {missing}.");
        if (report.First is { } first)
        {
            console.Profile.Out.Writer.WriteLine($"First difference: {first.Subject}");
            console.Profile.Out.Writer.WriteLine($"  recorded:{new string(' ', other.Length - 7)}{first.Recorded}");
            console.Profile.Out.Writer.WriteLine($"  {other}: {first.Recomputed}");
        }
        else
        {
            console.Profile.Out.Writer.WriteLine("Everything agrees.");
        }
    }
}
