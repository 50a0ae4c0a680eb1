using SelfRewarding.Contracts;
using SelfRewarding.PairBuilder;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests.Meta;

public sealed class JudgingSelectionTests
{
    private static readonly Candidate[] s_answers = [new(0, "left", [], Finish.Stop, 0), new(1, "right", [], Finish.Stop, 0)];

    // Judgements 0, 1 and 2 of answer 1.
    private static Judgement[] Judged(Finish first = Finish.Stop) =>
        [Judgement(0, first), Judgement(1), Judgement(2), new(1, 3, "no score", null, "no \"Score:\"", 1, Finish.Stop, 0)];

    private static Judgement Judgement(int index, Finish finish = Finish.Stop) => new(1, index, new string('x', index + 5), index, null, 1, finish, 0);

    private static MetaJudgement Compared(int first, int second, int? winner) => JudgementStrengthsTests.Compared(first, second, winner, candidate: 1);

    // Both orders of each two, and the better one wins both.
    private static MetaJudgement[] ByRank(params int[] ranked) =>
        [.. from a in ranked from b in ranked where a != b select Compared(a, b, ranked.First(index => index == a || index == b))];

    private static JudgingOutcome Choose(IReadOnlyList<MetaJudgement> comparisons, Finish first = Finish.Stop, int? longest = null) =>
        JudgingSelection.Choose("ask", s_answers, Judged(first), comparisons, new JudgeSettings { MetaMaxLength = longest });

    [Fact]
    public void The_strongest_judgement_is_chosen_and_the_weakest_rejected()
    {
        var outcome = Choose(ByRank(0, 2, 1));
        var pair = outcome.Pair.ShouldNotBeNull();
        (pair.Prompt, pair.Answer).ShouldBe(("ask", "right"));
        (pair.Chosen.Judgement, pair.Chosen.Text, pair.Chosen.Score).ShouldBe((0, "xxxxx", 0));
        (pair.Rejected.Judgement, pair.Rejected.Text, pair.Rejected.Score).ShouldBe((1, "xxxxxx", 1));
        outcome.Strengths.Select(strength => strength.Judgement).ShouldBe([0, 1, 2]);
        (outcome.Candidate, outcome.Comparisons, outcome.WonFirst, outcome.WonSecond, outcome.Reason, outcome.Detail).ShouldBe((1, 6, 3, 3, null, ""));
        pair.Chosen.Strength.ShouldBe(outcome.Strengths[0].Strength);
    }

    [Fact]
    public void It_does_not_matter_in_which_order_comparisons_come() =>
        System.Text.Json.JsonSerializer.Serialize(Choose([.. ByRank(2, 0, 1).Reverse()])).ShouldBe(System.Text.Json.JsonSerializer.Serialize(Choose(ByRank(2, 0, 1))));

    [Fact]
    public void Among_equally_strong_ones_the_lowest_index_counts()
    {
        // 1 and 2 each beat 0, and one another once.
        var pair = Choose([Compared(0, 1, 1), Compared(1, 0, 1), Compared(0, 2, 2), Compared(2, 0, 2), Compared(1, 2, 1), Compared(2, 1, 2)]).Pair.ShouldNotBeNull();
        (pair.Chosen.Judgement, pair.Rejected.Judgement).ShouldBe((1, 0));
    }

    [Fact]
    public void Equally_strong_judgements_make_no_pair()
    {
        var ring = Choose([Compared(0, 1, 0), Compared(1, 2, 1), Compared(2, 0, 2), Compared(1, 0, 0), Compared(2, 1, 1), Compared(0, 2, 2)]);
        (ring.Pair, ring.Reason).ShouldBe((null, NoJudgingPair.Undecided));
        var alwaysTheFirst = Choose([.. ByRank(0, 1, 2).Select(comparison => comparison with { Winner = comparison.First })]);
        (alwaysTheFirst.Reason, alwaysTheFirst.WonFirst, alwaysTheFirst.WonSecond).ShouldBe((NoJudgingPair.Undecided, 6, 0));
    }

    [Fact]
    public void A_truncated_judgement_is_never_the_chosen_one()
    {
        Choose(ByRank(0, 2, 1), first: Finish.Length).Pair.ShouldNotBeNull().Chosen.Judgement.ShouldBe(2);
        Choose(ByRank(0, 2, 1)[..0].Concat([Compared(0, 1, 0), Compared(1, 0, 0)]).ToList(), first: Finish.Length).Reason.ShouldBe(NoJudgingPair.Truncated);
        Choose(ByRank(1, 2, 0), first: Finish.Length).Pair.ShouldNotBeNull().Rejected.Judgement.ShouldBe(0);
    }

    [Fact]
    public void A_chosen_judgement_that_is_too_long_makes_no_pair()
    {
        Choose(ByRank(2, 1, 0), longest: 7).Pair.ShouldNotBeNull();
        var outcome = Choose(ByRank(2, 1, 0), longest: 6);
        (outcome.Pair, outcome.Reason).ShouldBe((null, NoJudgingPair.TooLong));
        outcome.Detail.ShouldBe("the strongest judgement, 2, has 7 characters, expected at most 6");
        Choose(ByRank(0, 1, 2), longest: 6).Pair.ShouldNotBeNull("the rejected one may be long");
    }

    [Fact]
    public void Without_a_readable_comparison_there_is_no_pair()
    {
        // Judgements differ, and still nothing was compared of them: a fork with fewer answers or judgements.
        (Choose([]).Reason, Choose([]).Detail).ShouldBe((NoJudgingPair.NothingToCompare, "no comparison of the judgements that are there is recorded"));
        JudgingSelection.Choose("ask", s_answers, [.. Judged().Select(judgement => judgement with { Raw = "same" })], [], new JudgeSettings()).Detail.ShouldBe("no answer has two different judgements with a score");
        var outcome = Choose([Compared(0, 1, null), Compared(1, 0, null)]);
        (outcome.Reason, outcome.Comparisons, outcome.WonFirst + outcome.WonSecond).ShouldBe((NoJudgingPair.Unparsable, 2, 0));
    }

    [Fact]
    public void Comparisons_that_cannot_be_are_refused()
    {
        Should.Throw<ArgumentException>(() => Choose([Compared(0, 3, 0)])).Message.ShouldStartWith("Judgement 3 of answer 1 is compared, but there is none with a score.");
        Should.Throw<ArgumentException>(() => Choose([Compared(0, 1, 2)])).Message.ShouldStartWith("Of judgements 0 and 1 2 is the better one");
        Should.Throw<ArgumentException>(() => Choose([Compared(0, 1, 0), Compared(0, 1, 1)])).Message.ShouldStartWith("Judgements 0 and 1 are compared 2 times in this order.");
        Should.Throw<ArgumentException>(() => Choose([Compared(0, 1, 0), Compared(0, 1, 0) with { Candidate = 0 }])).Message.ShouldStartWith("Judgements of answers 1 and 0 are compared");
        Should.Throw<ArgumentException>(() => Choose([Compared(0, 1, 0) with { Candidate = 9 }])).Message.ShouldStartWith("Judgements of answer 9 are compared, expected one of 0, 1.");
    }
}
