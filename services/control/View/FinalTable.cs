using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;
using Spectre.Console;

namespace SelfRewarding.Control.View;

/// <summary>All models of a run side by side: what each can do, and how it came to be.</summary>
internal static class FinalTable
{
    public static void Write(IAnsiConsole console, RunSummary summary) => Of(summary).Write(console);

    /// <summary>The table, to be shown anywhere.</summary>
    public static SideBySide Of(RunSummary summary)
    {
        var models = summary.Models.ToList();
        var evaluations = models.Select(model => model.Evaluation).OfType<ModelEvaluated>().ToList();
        var table = new SideBySide([.. models.Select(model => model.Name)]);

        table.Section($"Following {Count(evaluations.FirstOrDefault()?.Following.Prompts)} instructions");
        void Following(string label, Func<InstructionFollowing, string?> figure) => table.Row(label, models.Select(model => model.Evaluation is { } e ? figure(e.Following) : null));
        Following("exact match, greedy %", following => Figures.Percent(following.ExactMatchGreedy));
        Following("exact match, sampled %", following => Figures.Percent(following.ExactMatchSampled));
        Following("mean oracle score", following => Figures.Number(following.MeanOracleScore));
        Following("mean length, characters", following => Figures.Number(following.MeanLength, "0.0"));

        WriteHeadToHead(table, "Against the model before", models, BeforeOf);
        WriteHeadToHead(table, "Against SFT", models, _ => ModelNames.Baseline);

        table.Section($"Judging {Count(evaluations.FirstOrDefault(e => e.Judging is not null)?.Judging?.Prompts)} ranked prompts");
        void Judging(string label, Func<RewardModelling, string?> figure) => table.Row(label, models.Select(model => model.Evaluation?.Judging is { } judging ? figure(judging) : null));
        Judging("pairwise accuracy %", judging => Figures.Percent(judging.PairwiseAccuracy));
        Judging("5-best %", judging => Figures.Percent(judging.FiveBest));
        Judging("exact order %", judging => Figures.Percent(judging.ExactOrder));
        Judging("Spearman", judging => Figures.Number(judging.Spearman));
        Judging("Kendall", judging => Figures.Number(judging.Kendall));
        Judging("unparsable %", judging => Figures.Percent(judging.UnparsableRate));
        table.Row("agrees with judge before %", models.Select(model => Figures.Percent(model.Evaluation?.JudgeAgreement)));

        table.Section("Training");
        table.Row("recipe", models.Select(model => model.Training?.Recipe));
        var compared = models.Exists(model => model.Dataset?.Statistics.Judging is not null);
        table.Row(compared ? "pairs of answers" : "pairs", models.Select(model => model.Dataset is { } dataset ? Figures.Count(dataset.Pairs) : null));
        if (compared)
            table.Row("pairs of judgements", models.Select(model => model.Dataset?.Statistics.Judging is { } pairs ? Figures.Count(pairs.Pairs) : null));
        table.Row("steps", models.Select(model => model.Training is { } training ? Steps(training, model.Published) : null));
        table.Row("final loss", models.Select(model => Figures.Number(model.Loss, "0.000")));
        table.Row("final rewards/margins", models.Select(model => Figures.Number(model.RewardsMargins, "0.000")));
        return table;
    }

    /// <summary>The model that the paper compares a model with: the one before it, for M1 the baseline.</summary>
    public static string? BeforeOf(string model) => ModelNames.Iteration(model) switch
    {
        null => model == ModelNames.Baseline ? ModelNames.Base : null,
        1 => ModelNames.Baseline,
        { } number => ModelNames.OfIteration(number - 1),
    };

    private static void WriteHeadToHead(SideBySide table, string title, IReadOnlyList<ModelSummary> models, Func<string, string?> opponentOf)
    {
        var contests = models.Select(model => model.Evaluation?.HeadToHead.FirstOrDefault(contest => contest.Against == opponentOf(model.Name))).ToList();
        table.Section(title);
        table.Row("win/tie/lose %", contests.Select(contest => contest is null ? null : Figures.WinTieLose(contest.Wins, contest.Ties, contest.Losses)));
        table.Row("sign test, p", contests.Select(contest => contest is null ? null : Figures.Probability(Chance.SignTest(contest.Wins, contest.Losses))));
        table.Row("length-controlled win %", contests.Select(contest => Figures.Percent(contest?.LengthControlledWinRate)));
    }

    private static string Steps(TrainingStarted plan, ModelPublished? published) =>
        published is not null && published.Steps < plan.Steps ? $"{Figures.Count(published.Steps)} of {Figures.Count(plan.Steps)}" : Figures.Count(plan.Steps);

    private static string Count(int? number) => number is { } n ? Figures.Count(n) : "";
}
