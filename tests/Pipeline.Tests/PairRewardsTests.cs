using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The arithmetic by hand, in numbers that single precision holds exactly.</summary>
public sealed class PairRewardsTests
{
    private static readonly IReadOnlyList<PairReward> s_rewards = [new(0.5, 0.25), new(-0.5, 0.25), new(0.75, 0.25)];

    [Fact]
    public void A_reward_is_beta_times_how_much_likelier_the_answer_became()
    {
        var rewards = PairRewards.Of(new FrozenPairs.LogProbs([-2f, -8f], [-4f, -6f]), new FrozenPairs.LogProbs([-4f, -6f], [-3f, -6f]), beta: 0.25);
        rewards.ShouldBe([new PairReward(0.5, -0.25), new PairReward(-0.5, 0)]);
    }

    [Fact]
    public void The_means_are_those_of_the_pairs() =>
        PairRewards.Means(s_rewards, -3, -4).ShouldBe(new PreferenceMetrics(0.25, 0.25, 0, 2.0 / 3, -3, -4));

    [Fact]
    public void A_step_knows_the_rewards_of_the_pairs_that_it_saw()
    {
        var step = new TrainingStepped("r", "M2", 1, 0.5, 1, 1e-4, 100, 1, null, [7, 3, 9], null, [], s_rewards);
        PairRewards.At(step, 3, judging: false).ShouldBe(s_rewards[1]);
        PairRewards.At(step, 4, judging: false).ShouldBeNull();
        PairRewards.At(step with { Rewards = null }, 3, judging: false).ShouldBeNull("an earlier version did not record them");
    }

    [Fact]
    public void A_prompt_s_pair_of_judgements_is_told_from_its_pair_of_answers()
    {
        var step = new TrainingStepped("r", "M2", 1, 0.5, 1, 1e-4, 100, 1, null, [7, 3, 7], null, [], s_rewards, Judging: [0, 1]);
        (PairRewards.At(step, 7, judging: false), PairRewards.At(step, 7, judging: true)).ShouldBe((s_rewards[2], s_rewards[0]));
        (PairRewards.Saw(step, 3, judging: true), PairRewards.Saw(step, 3, judging: false)).ShouldBe((true, false));
    }
}
