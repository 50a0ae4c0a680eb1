using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;
using Spectre.Console;

namespace SelfRewarding.Control.View;

/// <summary>What a person sees of a run when it has ended, or whenever asked: made from the log alone.</summary>
public static class RunView
{
    public static void Write(IAnsiConsole console, RunSummary summary, string dataFolder)
    {
        if (summary.Settings is not { } settings)
        {
            console.WriteLine($"The log has no run '{summary.Run}'.");
            return;
        }

        console.Write(new Text($"Run {summary.Run}: preset {settings.Preset}, seed {settings.Seed}.\n\n", new Style(decoration: Decoration.Bold)));
        FinalTable.Write(console, summary);
        console.WriteLine();
        DriftPanel.Write(console, summary);
        WritePhases(console, summary);
        WritePlaces(console, summary, dataFolder);
        console.WriteLine();
        WriteOutcome(console, summary);
    }

    private static void WritePhases(IAnsiConsole console, RunSummary summary)
    {
        if (summary is not { StartedAt: { } started, LastFactAt: { } last }) return;
        var phases = summary.Phases.Where(phase => phase.End is not null).Select(phase => $"{phase.Name} {Figures.Duration(phase.End!.Value - phase.Start)}");
        console.WriteLine();
        console.Write(new Text($"Time {Figures.Duration(last - started)}: {string.Join(", ", phases)}; {Figures.Count(summary.Generation.Tokens)} tokens generated.\n"));
    }

    private static void WritePlaces(IAnsiConsole console, RunSummary summary, string dataFolder)
    {
        var places = new Grid().AddColumn(new GridColumn().NoWrap().Padding(0, 0, 2, 0)).AddColumn(new GridColumn().Padding(0, 0, 0, 0));
        void Place(string what, string where) => places.AddRow(new Text(what), new Text(where));
        Place("log", $"PostgreSQL {LogServer.Describe(dataFolder)}, table mt_events, stream {StreamNames.Run(summary.Run)}");
        foreach (var model in summary.Models.Where(model => model.Published is not null))
            Place(model.Name, $"{Path.Combine(dataFolder, model.Published!.Model.Path)}, {Figures.Hash(model.Published.Model.Sha256)}");
        foreach (var dataset in summary.Iterations.Select(iteration => iteration.Dataset).OfType<DatasetFrozen>())
            Place($"pairs of {dataset.Model}", $"{Path.Combine(dataFolder, "runs", summary.Run, "pairs", dataset.Model + ".jsonl")}, {Figures.Hash(dataset.Sha256)}");
        console.WriteLine();
        console.Write(places);
    }

    private static void WriteOutcome(IAnsiConsole console, RunSummary summary)
    {
        foreach (var sentence in Gains.Of(summary))
            console.Write(new Text(sentence + "\n", new Style(decoration: Decoration.Bold)));
        if (summary.End is { StopReason: { } reason })
            console.Write(new Text($"The run stopped: {reason}\n", new Style(Color.Red)));
        else if (summary.End is null)
            console.Write(new Text($"The run has not ended: the same command goes on with it.\n"));
    }
}
