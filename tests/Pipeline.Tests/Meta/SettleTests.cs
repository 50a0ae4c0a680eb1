using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.PairBuilder;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests.Meta;

/// <summary>What a prompt settles as where a pair of answers and one of judgements are together more than a message may have.</summary>
public sealed class SettleTests
{
    private const int MiB = 1 << 20;

    private static readonly ModelRef M1 = new("M1", "runs/r/models/M1", "aa");
    private static readonly RunSettings Settings = new() { Judge = new JudgeSettings { Count = 2, MetaIterations = 1 } };

    [Fact]
    public void Both_pairs_are_kept_where_they_fit()
    {
        var pair = Settle(prompt: 1, answers: 1, judgements: 1).ShouldBeOfType<PreferencePairBuilt>();
        pair.Judging!.Pair.ShouldNotBeNull();
    }

    [Fact]
    public void The_texts_of_the_judgements_go_before_the_pair_of_answers()
    {
        var pair = Settle(prompt: 3, answers: 3, judgements: 3).ShouldBeOfType<PreferencePairBuilt>();

        (pair.Chosen.Candidate, pair.Rejected.Candidate).ShouldBe((1, 0));
        pair.Judging!.ShouldSatisfyAllConditions(
            judging => (judging.Pair, judging.Reason).ShouldBe((null, NoJudgingPair.TooLarge)),
            judging => judging.Detail.ShouldBe("PreferencePairBuilt has 21.1 MiB, more than the 16 MiB that a message may have"),
            judging => (judging.Candidate, judging.Comparisons, judging.WonFirst, judging.WonSecond, judging.Strengths.Count).ShouldBe((1, 2, 1, 1, 2)));
        MessageLimit.Refuses(pair).ShouldBeNull();
    }

    [Fact]
    public void A_discarded_prompt_keeps_its_reason_without_them()
    {
        var discarded = Settle(prompt: 5, answers: 4, judgements: 4, isTie: true).ShouldBeOfType<PromptDiscarded>();

        discarded.Reason.ShouldBe(DiscardReason.Tie);
        discarded.Judging!.Reason.ShouldBe(NoJudgingPair.TooLarge);
        MessageLimit.Refuses(discarded).ShouldBeNull();
    }

    [Fact]
    public void Where_the_answers_alone_are_too_large_there_is_no_pair_and_the_comparisons_still_count()
    {
        var discarded = Settle(prompt: 4, answers: 7, judgements: 1).ShouldBeOfType<PromptDiscarded>();

        (discarded.Reason, discarded.Detail).ShouldBe((DiscardReason.PairTooLarge, "PreferencePairBuilt has 18.1 MiB, more than the 16 MiB that a message may have"));
        (discarded.Judging!.Comparisons, discarded.Judging.Reason).ShouldBe((2, NoJudgingPair.TooLarge));
        MessageLimit.Refuses(discarded).ShouldBeNull();
    }

    // Answer 1 is the better one, and the first of its two judgements.
    private static object Settle(int prompt, int answers, int judgements, bool isTie = false)
    {
        Judgement Judged(int candidate, int index, double score) => new(candidate, index, new string((char)('j' + index), judgements * MiB), score, null, 1, Finish.Stop, 0);
        return PairBuilderConsumer.Settle(
            new PromptGenerated("r", 1, 0, M1, new string('p', prompt * MiB), "server", [], []),
            new CandidatesSampled("r", 1, 0, M1, [new(0, new string('a', answers * MiB), [], Finish.Stop, 0), new(1, new string('b', answers * MiB), [], Finish.Stop, 0)]),
            new CandidatesJudged(
                "r", 1, 0, M1, [Judged(0, 0, isTie ? 4 : 1), Judged(0, 1, isTie ? 4 : 1), Judged(1, 0, 5), Judged(1, 1, 3)],
                Meta: [JudgementStrengthsTests.Compared(0, 1, 0, candidate: 1), JudgementStrengthsTests.Compared(1, 0, 0, candidate: 1)]),
            Settings);
    }
}
