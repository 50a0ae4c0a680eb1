using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace SelfRewarding.Control.View;

/// <summary>One frame of the live view: the models and where each stands, then the prompts of the iteration that is under way.</summary>
public static class RunPicture
{
    private const int BarWidth = 24;
    private const int LinesBesideModels = 10;

    public static IRenderable Of(RunSummary summary, IAnsiConsole console, DateTimeOffset now)
    {
        var glyphs = Glyphs.For(console);
        var settings = summary.Settings;
        var title = settings is null
            ? $"Run {summary.Run}: waiting for its first fact"
            : $"Run {summary.Run}   preset {settings.Preset}   seed {settings.Seed}   {Figures.Duration(now - summary.StartedAt!.Value)}";
        List<IRenderable> parts = [new Text(title, new Style(decoration: Decoration.Bold)), Text.Empty, Models(summary, settings, glyphs, console.Profile.Height)];

        var current = summary.Iterations.LastOrDefault(iteration => iteration.Dataset is null);
        if (current is not null && summary.End is null)
            parts.AddRange([Text.Empty, Prompts(current, summary.Generation, glyphs)]);
        if (summary.End is { StopReason: { } reason })
            parts.AddRange([Text.Empty, new Text($"The run stopped: {reason}", new Style(Color.Red))]);
        return new Rows(parts);
    }

    private static Grid Models(RunSummary summary, RunSettings? settings, Glyphs glyphs, int height)
    {
        var grid = Bars();
        var names = settings is null ? [] : ModelNames.All(settings.Iterations);
        // Of many models, those that are made now and were made last.
        var making = names.Count(name => summary.Model(name) is not null);
        var skipped = Math.Max(0, Math.Min(names.Count - Math.Max(1, height - LinesBesideModels), making - 1));
        foreach (var name in names.Skip(skipped))
        {
            var model = summary.Model(name);
            grid.AddRow(new Text(name, new Style(decoration: Decoration.Bold)), Bar(glyphs, Progress(model)), new Text(State(model)));
        }

        return grid;
    }

    /// <summary>How much of a model is made, 0 to 1.</summary>
    public static double Progress(ModelSummary? model) => model switch
    {
        { Published: not null } => 1,
        { Training.Steps: > 0 and var steps, LastStep: { } last } => (double)last.Step / steps,
        _ => 0,
    };

    /// <summary>Where a model stands, in words.</summary>
    public static string State(ModelSummary? model)
    {
        if (model is { Evaluation: { } evaluation })
        {
            string?[] figures =
            [
                evaluation.Following.ExactMatchSampled is { } sampled ? $"exact match {Figures.Percent(sampled)} %" : null,
                evaluation.Judging is { } judging ? $"judges {Figures.Percent(judging.PairwiseAccuracy)} % right" : null,
            ];
            return string.Join(", ", figures.Where(figure => figure is not null).DefaultIfEmpty("measured"));
        }

        if (model is { Published: not null }) return "ready, being measured";
        if (model is { LastStep: { } last, Training: { } training })
        {
            var margins = model.RewardsMargins is { } margin ? $", margins {Figures.Number(margin)}, accuracies {Figures.Number(model.RewardsAccuracies)}" : "";
            return $"step {last.Step}/{training.Steps}, loss {Figures.Number(model.Loss, "0.000")}{margins}, {Figures.Rate(model.TokensPerSecond)}";
        }

        if (model is { Training: { } planned }) return $"{planned.Recipe} on {Figures.Count(planned.Examples)} examples";
        return model is { Dataset: { } dataset } ? Figures.Pairs(dataset.Pairs, dataset.Statistics.Judging?.Pairs) : "";
    }

    private static Grid Prompts(IterationSummary iteration, Throughput generation, Glyphs glyphs)
    {
        var grid = Bars();
        void Stage(string name, int done, string note) =>
            grid.AddRow(new Text(name), Bar(glyphs, iteration.Planned == 0 ? 0 : (double)done / iteration.Planned), new Text($"{Figures.Count(done)}/{Figures.Count(iteration.Planned)}{note}"));
        grid.AddRow(new Text($"iteration {iteration.Number}", new Style(decoration: Decoration.Bold)), Text.Empty, new Text(Figures.Rate(generation.PerSecond)));
        Stage("  prompts", iteration.Generated, iteration.RefusedDrafts > 0 ? $", {Figures.Count(iteration.RefusedDrafts)} drafts refused" : "");
        Stage("  answered", iteration.Sampled, "");
        Stage("  judged", iteration.Judged, "");
        var discards = string.Concat(iteration.Discarded.OrderByDescending(entry => entry.Value).Select(entry => $", {DriftPanel.InWords(entry.Key)} {Figures.Count(entry.Value)}"));
        Stage("  settled", iteration.Settled, $": {Figures.Pairs(iteration.Pairs, iteration.JudgingPairs)}{discards}");
        return grid;
    }

    private static Grid Bars() => new Grid()
        .AddColumn(new GridColumn().NoWrap().Width(11).Padding(0, 0, 2, 0))
        .AddColumn(new GridColumn().NoWrap().Width(BarWidth).Padding(0, 0, 2, 0))
        .AddColumn(new GridColumn().Padding(0, 0, 0, 0));

    private static Text Bar(Glyphs glyphs, double share) => new(glyphs.Bar(share, BarWidth), new Style(share >= 1 ? Color.Green : Color.Teal));
}
