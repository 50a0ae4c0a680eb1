using SelfRewarding.Control.Summary;

namespace SelfRewarding.Control.ReadModels;

/// <summary>A row of <c>rm_runs</c>.</summary>
public sealed record RunRow(
    string Run, string? Parent, int? ForkedAtIteration, string? ForkedFrom, string? Preset, ulong? Seed, int? Iterations, string State, string? StopReason,
    DateTimeOffset? StartedAt, DateTimeOffset? LastFactAt, DateTimeOffset? EndedAt, long TokensGenerated,
    int? EftAccepted, int? EftRefused, int? EftThinned, long StartedPosition, long Position)
{
    internal static RunRow Of(RunSummary run) => new(
        run.Run, run.Origin?.Parent, run.Origin?.Iteration, run.Origin?.From.ToString(), run.Settings?.Preset, run.Settings?.Seed, run.Settings?.Iterations,
        StateOf(run), run.End?.StopReason, run.StartedAt, run.LastFactAt, run.End?.At, run.Generation.Tokens,
        run.Eft?.Accepted, run.Eft?.Refused, run.Eft?.Thinned, run.StartedPosition, run.Position);

    private static string StateOf(RunSummary run)
    {
        var latest = run.Models.LastOrDefault(model => model.Published is not null)?.Name;
        return run.End switch
        {
            { StopReason: { } reason } => $"stopped: {reason}",
            { } => $"completed with {latest}",
            null => latest is null ? "begun" : $"{latest} published",
        };
    }
}

/// <summary>A row of <c>rm_models</c>; figures of training are means over its last steps, as <see cref="ModelSummary"/> has them.</summary>
/// <param name="Number">-2 is M0, -1 the baseline, then 1, 2 …</param>
/// <param name="Pairs">Pairs of answers that it is trained on.</param>
/// <param name="JudgingPairs">Pairs of judgements beside them; null where judgements were not compared.</param>
public sealed record ModelRow(
    string Run, string Model, int Number, string? Recipe, string? Parent, string? DatasetSha256, int? Pairs, int? JudgingPairs, int? Examples, int? Steps, int? LastStep,
    double? Loss, double? RewardsMargins, double? RewardsAccuracies, double? TokensPerSecond, string? Path, string? Sha256,
    DateTimeOffset? TrainingStartedAt, DateTimeOffset? PublishedAt, DateTimeOffset? EvaluatedAt,
    double? ExactMatchGreedy, double? ExactMatchSampled, double? MeanOracleScore, double? MeanLength,
    double? PairwiseAccuracy, double? FiveBest, double? ExactOrder, double? Spearman, double? Kendall, double? UnparsableRate, double? TieRate,
    double? JudgeAgreement, long Position)
{
    internal static ModelRow Of(RunSummary run, ModelSummary model)
    {
        var (published, training, following, judging) = (model.Published, model.Training, model.Evaluation?.Following, model.Evaluation?.Judging);
        return new ModelRow(
            run.Run, model.Name, RunSummary.OrderOf(model.Name), training?.Recipe, (published?.Parent ?? training?.Parent)?.Name,
            published?.DatasetSha256 ?? training?.DatasetSha256, model.Dataset?.Pairs, model.Dataset?.Statistics.Judging?.Pairs, training?.Examples, published?.Steps ?? training?.Steps, model.LastStep?.Step,
            model.Loss, model.RewardsMargins, model.RewardsAccuracies, model.TokensPerSecond, published?.Model.Path, published?.Model.Sha256,
            model.TrainingStartedAt, model.PublishedAt, model.EvaluatedAt,
            following?.ExactMatchGreedy, following?.ExactMatchSampled, following?.MeanOracleScore, following?.MeanLength,
            judging?.PairwiseAccuracy, judging?.FiveBest, judging?.ExactOrder, judging?.Spearman, judging?.Kendall, judging?.UnparsableRate, judging?.TieRate,
            model.Evaluation?.JudgeAgreement, run.Position);
    }
}

/// <summary>A row of <c>rm_contests</c>: how a model did against another one.</summary>
public sealed record ContestRow(string Run, string Model, string Against, int Wins, int Ties, int Losses, double? LengthControlledWinRate, long Position)
{
    internal static IEnumerable<ContestRow> Of(RunSummary run) =>
        from model in run.Models
        from contest in model.Evaluation?.HeadToHead ?? []
        select new ContestRow(run.Run, model.Name, contest.Against, contest.Wins, contest.Ties, contest.Losses, contest.LengthControlledWinRate, run.Position);
}
