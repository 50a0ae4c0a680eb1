using SelfRewarding.Contracts;
using SelfRewarding.Evaluator;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class RankingMetricsTests
{
    private const double Tolerance = 1e-12;

    private static IEnumerable<HeldOutJudgement> Prompt(int prompt, params (int Rank, double?[] Scores)[] answers) =>
        answers.Select((answer, index) => new HeldOutJudgement(prompt, index, answer.Rank, [.. answer.Scores.Select((score, j) =>
            new Judgement(index, j, "raw", score, score is null ? "no \"Score:\"" : null, 1, Finish.Stop, 0))]));

    private static (int Rank, double?[] Scores) A(int rank, params double?[] scores) => (rank, scores);

    [Fact]
    public void A_judge_in_full_agreement_gets_every_point()
    {
        var figures = RankingMetrics.RewardModelling([.. Prompt(0, A(0, 5), A(1, 3), A(2, 1)), .. Prompt(1, A(1, 2), A(0, 5))]);
        figures.ShouldBe(new RewardModelling(2, 4, 1, 1, 1, 1, 1, 0, 0));
    }

    [Fact]
    public void A_judge_the_wrong_way_round_gets_none()
    {
        var figures = RankingMetrics.RewardModelling([.. Prompt(0, A(0, 1), A(1, 3), A(2, 4))]);
        figures.ShouldBe(new RewardModelling(1, 3, 0, 0, 0, -1, -1, 0, 0));
    }

    [Fact]
    public void Means_over_judgements_are_worked_by_hand()
    {
        // Ranks 0 1 2 3, means 4, 4.5, 2, 2: five pairs of which right (0,2) (0,3) (1,2) (1,3), wrong (0,1), tied (2,3).
        var figures = RankingMetrics.RewardModelling([.. Prompt(0, A(0, 3, 5), A(1, 4, 5), A(2, 2, null), A(3, 1, 3))]);
        figures.Pairs.ShouldBe(6);
        figures.PairwiseAccuracy.ShouldBe(4.5 / 6, Tolerance);
        figures.TieRate.ShouldBe(1.0 / 6, Tolerance);
        figures.FiveBest.ShouldBe(0);
        figures.ExactOrder.ShouldBe(0);
        // τ-b = (4 − 1) / √(6 · 5).
        figures.Kendall.ShouldBe(3 / Math.Sqrt(30), Tolerance);
        // Ranks of scores from the best: 2, 1, 3.5, 3.5 against 1, 2, 3, 4: covariance 3.5, variances 4.5 and 5 (each times n).
        figures.Spearman.ShouldBe(3.5 / Math.Sqrt(22.5), Tolerance);
        figures.UnparsableRate.ShouldBe(0);
    }

    [Fact]
    public void A_score_missing_makes_its_pairs_a_half_and_is_counted()
    {
        // Pairs: (5, none) ½, (5, 1) 1, (none, 1) ½. Correlations go over the two that are left.
        var figures = RankingMetrics.RewardModelling([.. Prompt(0, A(0, 5), A(1, null, null), A(2, 1))]);
        figures.PairwiseAccuracy.ShouldBe(2.0 / 3, Tolerance);
        figures.UnparsableRate.ShouldBe(1.0 / 3, Tolerance);
        figures.TieRate.ShouldBe(0);
        figures.ExactOrder.ShouldBe(0);
        (figures.Kendall, figures.Spearman).ShouldBe((1, 1));
    }

    [Fact]
    public void A_judge_that_says_four_to_everything_is_as_good_as_a_coin()
    {
        var figures = RankingMetrics.RewardModelling([.. Prompt(0, A(0, 4), A(1, 4), A(2, 4)), .. Prompt(1, A(0, 4), A(1, 4))]);
        figures.ShouldBe(new RewardModelling(2, 4, 0.5, 0, 0, 0, 0, 0, 1));
    }

    [Fact]
    public void Equal_ranks_tell_nothing()
    {
        // One prompt has no two ranks and is left out whole; in the other the pair of equal rank may come in either order.
        var figures = RankingMetrics.RewardModelling([.. Prompt(0, A(0, 1), A(0, 5)), .. Prompt(1, A(0, 5), A(1, 2), A(1, 3))]);
        (figures.Prompts, figures.Pairs, figures.PairwiseAccuracy, figures.ExactOrder).ShouldBe((1, 2, 1, 1));
        // τ-b = 2 / √(2 · 3).
        figures.Kendall.ShouldBe(2 / Math.Sqrt(6), Tolerance);
    }

    [Fact]
    public void Five_best_counts_full_scores_of_best_answers_only()
    {
        var figures = RankingMetrics.RewardModelling([.. Prompt(0, A(0, 5, 5), A(1, 5)), .. Prompt(1, A(0, 5, 4), A(1, 5)), .. Prompt(2, A(1, 5), A(2, 1)), .. Prompt(3, A(0, (double?)null), A(1, 5))]);
        figures.FiveBest.ShouldBe(0.5); // prompts 0 and 2: the best rank need not be 0
    }

    [Fact]
    public void Nothing_judged_gives_zeros_and_no_division_by_zero() =>
        RankingMetrics.RewardModelling([]).ShouldBe(new RewardModelling(0, 0, 0, 0, 0, 0, 0, 0, 0));

    [Fact]
    public void Judges_agree_by_the_order_that_they_give()
    {
        HeldOutJudgement[] now = [.. Prompt(0, A(0, 5), A(1, 3), A(2, 1)), .. Prompt(1, A(0, 5), A(1, 1))];
        RankingMetrics.JudgeAgreement(now, now).ShouldBe(1);
        // Prompt 0: order kept at other scores, τ 1; prompt 1: turned round, τ −1.
        RankingMetrics.JudgeAgreement(now, [.. Prompt(0, A(0, 3), A(1, 2), A(2, 0)), .. Prompt(1, A(0, 1), A(1, 5))]).ShouldBe(0.5);
        // One of three pairs turned round: τ 1/3.
        RankingMetrics.JudgeAgreement([.. Prompt(0, A(0, 5), A(1, 3), A(2, 1))], [.. Prompt(0, A(0, 3), A(1, 5), A(2, 1))])!.Value.ShouldBe(2.0 / 3, Tolerance);
    }

    [Fact]
    public void Agreement_is_over_what_both_have_scored()
    {
        HeldOutJudgement[] now = [.. Prompt(0, A(0, 5), A(1, (double?)null), A(2, 1))];
        RankingMetrics.JudgeAgreement(now, [.. Prompt(0, A(0, 4), A(1, 5), A(2, 2))]).ShouldBe(1);
        RankingMetrics.JudgeAgreement(now, [.. Prompt(0, A(0, 4), A(1, 5), A(2, (double?)null))]).ShouldBeNull();
        RankingMetrics.JudgeAgreement(now, []).ShouldBeNull();
    }

    [Fact]
    public void A_judge_that_tells_nothing_apart_agrees_by_half_unless_the_other_does_neither()
    {
        HeldOutJudgement[] blind = [.. Prompt(0, A(0, 4), A(1, 4))];
        RankingMetrics.JudgeAgreement(blind, [.. Prompt(0, A(0, 5), A(1, 1))]).ShouldBe(0.5);
        RankingMetrics.JudgeAgreement(blind, [.. Prompt(0, A(0, 3), A(1, 3))]).ShouldBe(1);
    }

    [Fact]
    public void Contests_are_won_tied_and_lost()
    {
        var figures = RankingMetrics.HeadToHead("SFT", [new(5, 3, 10, 10), new(3, 3, 10, 10), new(1, 2, 10, 10), new(null, 5, 10, 10), new(4, null, 10, 10)]);
        (figures.Against, figures.Wins, figures.Ties, figures.Losses).ShouldBe(("SFT", 1, 3, 1));
        figures.LengthControlledWinRate.ShouldBe(0.5);
    }

    [Fact]
    public void The_length_controlled_rate_is_over_answers_of_like_length()
    {
        // 110 against 100 is a tenth longer and counts, 111 does not; an empty answer is like an empty one only.
        var figures = RankingMetrics.HeadToHead("M1", [new(5, 3, 110, 100), new(3, 3, 100, 110), new(1, 2, 111, 100), new(1, 2, 0, 5), new(5, 0, 0, 0)]);
        figures.LengthControlledWinRate!.Value.ShouldBe(2.5 / 3, Tolerance);
        RankingMetrics.HeadToHead("M1", [new(5, 3, 200, 100)]).LengthControlledWinRate.ShouldBeNull();
    }

    [Fact]
    public void Correlations_agree_with_published_values()
    {
        // SciPy's documentation: kendalltau([12, 2, 1, 12, 2], [1, 4, 7, 1, 0]) = -0.4714…, spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) = 0.8207…
        Correlation.KendallTauB([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])!.Value.ShouldBe(-0.47140452079103173, Tolerance);
        Correlation.Spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])!.Value.ShouldBe(0.82078268166812329, Tolerance);
        Correlation.KendallTauB([1, 1], [1, 2]).ShouldBeNull();
        Correlation.Spearman([], []).ShouldBeNull();
    }
}
