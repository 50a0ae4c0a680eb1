using System.Text.Json.Serialization;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;

namespace SelfRewarding.Control.ReadModels;

/// <summary>A row of <c>rm_progress</c>: how many prompts of an iteration have passed each stage.</summary>
/// <param name="Pairs">Pairs of answers.</param>
/// <param name="JudgingPairs">Pairs of judgements, which prompts without a pair of answers may have, too; null where judgements are not compared.</param>
/// <param name="Discarded">Prompts without a pair of answers.</param>
public sealed record ProgressRow(
    string Run, int Iteration, int Planned, int Generated, int Sampled, int Judged, int Settled, int Pairs, int? JudgingPairs, int Discarded, int RefusedDrafts,
    DateTimeOffset? BegunAt, DateTimeOffset? FrozenAt, long Position)
{
    internal static ProgressRow Of(RunSummary run, IterationSummary iteration) => new(
        run.Run, iteration.Number, iteration.Planned, iteration.Generated, iteration.Sampled, iteration.Judged, iteration.Settled, iteration.Pairs, iteration.JudgingPairs,
        iteration.Discarded.Values.Sum(), iteration.RefusedDrafts, iteration.BegunAt, iteration.FrozenAt, run.Position);
}

/// <summary>A row of <c>rm_iteration_statistics</c>: counts and means so far, and the frozen dataset when there is one; pairs as in <see cref="ProgressRow"/>.</summary>
public sealed record IterationStatisticsRow(
    string Run, int Iteration, int Prompts, int Candidates, int TruncatedCandidates, int Judgements, int UnparsableJudgements, int Pairs, int? JudgingPairs,
    double MeanScore, double MeanCandidateLength, double MeanMargin, string? Model, string? DatasetSha256, long Position)
{
    internal static IterationStatisticsRow Of(RunSummary run, IterationSummary iteration)
    {
        var figures = iteration.Statistics;
        return new IterationStatisticsRow(
            run.Run, iteration.Number, figures.Prompts, figures.Candidates, figures.TruncatedCandidates, figures.Judgements, figures.UnparsableJudgements,
            iteration.Pairs, iteration.JudgingPairs, figures.MeanScore, figures.MeanCandidateLength, figures.MeanMargin, iteration.Dataset?.Model, iteration.Dataset?.Sha256, run.Position);
    }
}

/// <summary>A row of <c>rm_drift</c>. Shares are of what is there so far: null where that is nothing.</summary>
/// <param name="TieRate">Of the settled prompts.</param>
/// <param name="UsablePairShare">Pairs of answers, of the settled prompts.</param>
/// <param name="JudgeAgreement">Of the model that judges this iteration with the one before it.</param>
public sealed record DriftRow(
    string Run, int Iteration,
    [property: JsonPropertyName("score_0")] int Score0, [property: JsonPropertyName("score_1")] int Score1, [property: JsonPropertyName("score_2")] int Score2,
    [property: JsonPropertyName("score_3")] int Score3, [property: JsonPropertyName("score_4")] int Score4, [property: JsonPropertyName("score_5")] int Score5,
    double? UnparsableRate, double? TruncatedRate, double? TieRate, double? UsablePairShare, double? ChosenLongerShare,
    double MeanScore, double MeanCandidateLength, double? JudgeAgreement, long Position)
{
    internal static DriftRow Of(RunSummary run, IterationSummary iteration)
    {
        var figures = iteration.Statistics;
        int Scored(string score) => figures.ScoreHistogram.GetValueOrDefault(score);
        return new DriftRow(
            run.Run, iteration.Number, Scored("0"), Scored("1"), Scored("2"), Scored("3"), Scored("4"), Scored("5"),
            Share(figures.UnparsableJudgements, figures.Judgements), Share(figures.TruncatedCandidates, figures.Candidates),
            Share(iteration.Discarded.GetValueOrDefault(DiscardReason.Tie), iteration.Settled), Share(iteration.Pairs, iteration.Settled),
            iteration.Pairs == 0 ? null : figures.ChosenLongerShare, figures.MeanScore, figures.MeanCandidateLength,
            run.Model(ModelNames.OfIteration(iteration.Number))?.Evaluation?.JudgeAgreement, run.Position);
    }

    private static double? Share(int part, int whole) => whole == 0 ? null : (double)part / whole;
}

/// <summary>A row of <c>rm_discards</c>: prompts of an iteration that made no pair of answers, by reason.</summary>
public sealed record DiscardRow(string Run, int Iteration, string Reason, int Prompts, long Position)
{
    internal static IEnumerable<DiscardRow> Of(RunSummary run, IterationSummary iteration) =>
        iteration.Discarded.Select(entry => new DiscardRow(run.Run, iteration.Number, entry.Key.ToString(), entry.Value, run.Position));
}
