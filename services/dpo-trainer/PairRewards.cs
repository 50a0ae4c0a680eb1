using SelfRewarding.Contracts;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>What pairs are worth to a policy, one by one and as the means that TRL logs.</summary>
public static class PairRewards
{
    /// <summary>The rewards of a batch that was trained on.</summary>
    public static IReadOnlyList<PairReward> Of(PreferenceOutcome outcome) =>
        [.. outcome.ChosenRewards.Zip(outcome.RejectedRewards, (chosen, rejected) => new PairReward(chosen, rejected))];

    /// <summary>β (log π − log π_ref) of each pair, in single precision as <see cref="DpoLoss"/> has it.</summary>
    public static IReadOnlyList<PairReward> Of(FrozenPairs.LogProbs policy, FrozenPairs.LogProbs reference, double beta)
    {
        return [.. Rewards(policy.Chosen, reference.Chosen).Zip(Rewards(policy.Rejected, reference.Rejected), (chosen, rejected) => new PairReward(chosen, rejected))];

        IEnumerable<float> Rewards(float[] trained, float[] before) => trained.Zip(before, (log, logReference) => (log - logReference) * (float)beta);
    }

    /// <summary><c>rewards/*</c> of a step, and <c>logps/*</c> beside them.</summary>
    public static PreferenceMetrics Means(IReadOnlyList<PairReward> rewards, double logpsChosen, double logpsRejected) => new(
        rewards.Average(pair => pair.Chosen), rewards.Average(pair => pair.Rejected), rewards.Average(pair => pair.Chosen - pair.Rejected),
        rewards.Average(pair => pair.Chosen > pair.Rejected ? 1.0 : 0.0), logpsChosen, logpsRejected);

    /// <summary>Whether a step saw a prompt's pair of answers, or that of judgements.</summary>
    public static bool Saw(TrainingStepped step, int ordinal, bool judging) => PlaceOf(step, ordinal, judging) is not null;

    /// <summary>A pair's rewards at a step; null where the step did not see it or did not record them.</summary>
    public static PairReward? At(TrainingStepped step, int ordinal, bool judging) =>
        step.Rewards is { } rewards && PlaceOf(step, ordinal, judging) is { } place ? rewards.ElementAtOrDefault(place) : null;

    private static int? PlaceOf(TrainingStepped step, int ordinal, bool judging) =>
        step.Examples.Index().Where(example => example.Item == ordinal && step.Judging?.Contains(example.Index) == true == judging).Select(example => (int?)example.Index).FirstOrDefault();
}
