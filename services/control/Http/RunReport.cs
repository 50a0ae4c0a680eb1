using SelfRewarding.Contracts;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.Control.Summary;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Http;

/// <summary>What <c>/api/runs</c> gives: what <c>selfreward runs</c> lists.</summary>
/// <param name="Behind">A sentence where the read models are not up to the log; null where they are.</param>
public sealed record RunList(IReadOnlyList<RunListing> Runs, string? Behind);

/// <summary>
/// What <c>/api/runs/{run}</c> gives: the rows of the read models, and the texts that <c>selfreward show</c> and the live view have. Everything
/// is of one position of the log.
/// </summary>
/// <param name="Loop">Every model that the run makes, in order, those to come included.</param>
/// <param name="Table">The final table, as far as it has come.</param>
/// <param name="Gains">What each model gained against M1, in a sentence.</param>
/// <param name="IsFinished">Nothing more will come.</param>
/// <param name="Position">Where live updates go on from.</param>
public sealed record RunReport(
    RunRow Run, RunSettings? Settings, IReadOnlyList<LoopModel> Loop, IReadOnlyList<ModelRow> Models, IReadOnlyList<ContestRow> Contests,
    IReadOnlyList<ProgressRow> Progress, IReadOnlyList<IterationStatisticsRow> Statistics, IReadOnlyList<DriftRow> Drift, IReadOnlyList<Discards> Discards,
    IReadOnlyList<Phase> Phases, double? TokensPerSecond, ReportTable Table, IReadOnlyList<string> Gains, bool IsFinished, long Position, string? Behind)
{
    internal static RunReport Of(RunSummary summary, long position, string? behind) => new(
        RunRow.Of(summary), summary.Settings, LoopOf(summary),
        [.. summary.Models.Select(model => ModelRow.Of(summary, model))], [.. ContestRow.Of(summary)],
        [.. summary.Iterations.Select(iteration => ProgressRow.Of(summary, iteration))],
        [.. summary.Iterations.Select(iteration => IterationStatisticsRow.Of(summary, iteration))],
        [.. summary.Iterations.Select(iteration => DriftRow.Of(summary, iteration))],
        [.. summary.Iterations.SelectMany(iteration => iteration.Discarded.Select(entry => new Discards(iteration.Number, DriftPanel.InWords(entry.Key), entry.Value)))],
        summary.Phases, summary.End is null ? summary.Generation.PerSecond : null, ReportTable.Of(FinalTable.Of(summary)), View.Gains.Of(summary),
        summary.IsFinished, position, behind);

    private static IReadOnlyList<LoopModel> LoopOf(RunSummary summary) => summary.Settings is null
        ? []
        : [.. ModelNames.All(summary.Settings.Iterations).Select(name => (Name: name, Model: summary.Model(name))).Select(entry => new LoopModel(
            entry.Name, entry.Model is not null, entry.Model?.Published is not null, RunPicture.Progress(entry.Model), RunPicture.State(entry.Model)))];
}

/// <summary>One model of the loop.</summary>
/// <param name="IsBegun">There is something to say of it.</param>
/// <param name="IsPublished">It is ready to use.</param>
/// <param name="Share">How much of it is made, 0 to 1.</param>
/// <param name="State">Where it stands, in words.</param>
public sealed record LoopModel(string Model, bool IsBegun, bool IsPublished, double Share, string State);

/// <summary>Prompts of an iteration that made no pair, by reason in words.</summary>
public sealed record Discards(int Iteration, string Reason, int Prompts);

/// <summary>A table of a column for each model.</summary>
public sealed record ReportTable(IReadOnlyList<string> Columns, IReadOnlyList<ReportRow> Rows)
{
    internal static ReportTable Of(SideBySide table) => new(table.Subjects, [.. table.Rows.Select(row => new ReportRow(row.Label, row.Cells))]);
}

/// <summary>A row of it; without cells it is the title of those after it.</summary>
public sealed record ReportRow(string Label, IReadOnlyList<string?>? Cells);

/// <summary>What <c>/api/runs/{run}/training/{model}</c> gives.</summary>
/// <param name="Planned">Steps that it is to have; null before it starts.</param>
public sealed record TrainingCurve(string Run, string Model, int? Planned, IReadOnlyList<TrainingPoint> Steps);

/// <summary>One optimiser step, without the list of its examples.</summary>
public sealed record TrainingPoint(
    int Step, double Loss, double GradNorm, double LearningRate, int Tokens, double Seconds, double? ReplayLoss, PreferenceMetrics? Preference)
{
    internal static TrainingPoint Of(TrainingStepped step) =>
        new(step.Step, step.Loss, step.GradNorm, step.LearningRate, step.Tokens, step.Seconds, step.ReplayLoss, step.Preference);
}
