using SelfRewarding.Contracts;
using SelfRewarding.PairBuilder;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests.Meta;

public sealed class JudgementStrengthsTests
{
    /// <summary>A comparison in the order of its two judgements.</summary>
    internal static MetaJudgement Compared(int first, int second, int? winner, int candidate = 0) =>
        new(candidate, first, second, "raw", winner, winner is null ? "no \"Winner:\"" : null, 1, Finish.Stop, 0);

    // In the first place four win, in the second one: a win there is rarer, and counts four times as much.
    private static readonly MetaJudgement[] s_votes = [Compared(0, 1, 0), Compared(1, 0, 0), Compared(0, 2, 0), Compared(2, 0, 2), Compared(1, 2, 1), Compared(2, 1, null)];

    [Fact]
    public void A_win_counts_the_less_the_more_are_won_in_its_place()
    {
        JudgementStrengths.Weights(s_votes).ShouldBe((1.0 / 5, 4.0 / 5));
        JudgementStrengths.Weights([Compared(0, 1, null)]).ShouldBeNull();

        var battles = JudgementStrengths.Battles([0, 1, 2], s_votes);
        battles[0, 1].ShouldBe((1.0 / 5) + (4.0 / 5)); // won in both places
        (battles[0, 2], battles[2, 0], battles[1, 2]).ShouldBe((0.2, 0.2, 0.2));
        (battles[1, 0], battles[2, 1], battles[0, 0]).ShouldBe((0, 0, 0));
    }

    [Fact]
    public void The_order_in_which_comparisons_come_changes_no_bit() =>
        Of(s_votes).ShouldBe(Of([.. s_votes.Reverse()]));

    [Fact]
    public void Of_two_judgements_the_strengths_are_as_their_wins()
    {
        var strengths = JudgementStrengths.Of(new double[,] { { 0, 2 }, { 1, 0 } });
        (strengths[0] / strengths[1]).ShouldBe((2 + JudgementStrengths.VoteForEither) / (1 + JudgementStrengths.VoteForEither), 1e-9);
        strengths.Average().ShouldBe(1, 1e-12);
    }

    [Fact]
    public void Of_a_chain_each_link_keeps_its_ratio()
    {
        // 3 : 1 and 3 : 1 give 9 : 3 : 1, but for the small votes between the two ends.
        double[,] chain = { { 0, 300, 0 }, { 100, 0, 300 }, { 0, 100, 0 } };
        var strengths = JudgementStrengths.Of(chain);
        (strengths[0] / strengths[1]).ShouldBe(3, 1e-2);
        (strengths[1] / strengths[2]).ShouldBe(3, 1e-2);
        ShouldBeAtTheMaximum(strengths, chain);
    }

    [Fact]
    public void Who_lost_every_comparison_is_weak_and_not_infinitely_so()
    {
        double[,] oneSided = { { 0, 1, 1, 1 }, { 0, 0, 1, 1 }, { 0, 0, 0, 1 }, { 0, 0, 0, 0 } };
        var strengths = JudgementStrengths.Of(oneSided);
        strengths.ShouldBe(strengths.OrderDescending());
        strengths.ShouldAllBe(strength => double.IsFinite(strength) && strength > 0);
        ShouldBeAtTheMaximum(strengths, oneSided);
    }

    [Fact]
    public void Of_as_many_judgements_as_the_paper_has_the_most_one_sided_comparisons_are_still_taken_to_the_maximum()
    {
        var oneSided = new double[11, 11];
        for (var m = 0; m < 11; m++)
            for (var n = m + 1; n < 11; n++)
                oneSided[m, n] = 1;
        var strengths = JudgementStrengths.Of(oneSided);
        strengths.ShouldBe(strengths.OrderDescending());
        ShouldBeAtTheMaximum(strengths, oneSided);
    }

    [Fact]
    public void Who_beat_one_another_in_a_ring_are_equally_strong() =>
        JudgementStrengths.Of(new double[,] { { 0, 1, 0 }, { 0, 0, 1 }, { 1, 0, 0 } }).ShouldAllBe(strength => Math.Abs(strength - 1) < 1e-9);

    [Fact]
    public void A_meta_judge_that_always_prefers_the_first_says_nothing()
    {
        MetaJudgement[] always = [Compared(0, 1, 0), Compared(1, 0, 1), Compared(0, 2, 0), Compared(2, 0, 2)];
        JudgementStrengths.Weights(always).ShouldBe((0, 1));
        Of(always).ShouldBe([1, 1, 1]);
    }

    private static IReadOnlyList<double> Of(IReadOnlyList<MetaJudgement> votes) => JudgementStrengths.Of(JudgementStrengths.Battles([0, 1, 2], votes));

    // Where the likelihood is greatest, each has won as often as is expected of it: Σ B(m, n) = Σ N(m, n) p(m) / (p(m) + p(n)).
    private static void ShouldBeAtTheMaximum(IReadOnlyList<double> strengths, double[,] battles)
    {
        for (var m = 0; m < strengths.Count; m++)
        {
            var others = Enumerable.Range(0, strengths.Count).Where(n => n != m).ToList();
            var won = others.Sum(n => battles[m, n] + JudgementStrengths.VoteForEither);
            others.Sum(n => (battles[m, n] + battles[n, m] + (2 * JudgementStrengths.VoteForEither)) * strengths[m] / (strengths[m] + strengths[n])).ShouldBe(won, 1e-8 * won);
        }
    }
}
