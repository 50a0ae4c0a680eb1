using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>One line of the canonical dataset, in TRL's names.</summary>
/// <param name="ScoreChosen">The chosen answer's mean score; of judgements, how strong the chosen one is among those of its answer.</param>
/// <param name="ScoreRejected">The same of the rejected one.</param>
/// <param name="Response">The answer that the two judge; null for a pair of answers.</param>
public sealed record CanonicalPair(int Ordinal, string Prompt, string Chosen, string Rejected, double ScoreChosen, double ScoreRejected, string? Response = null)
{
    /// <summary>Whether it is a pair of judgements.</summary>
    public bool IsJudging => Response is not null;

    /// <summary>Where it stands in the dataset: by ordinal, a prompt's pair of judgements behind that of its answers.</summary>
    public (int Ordinal, bool IsJudging) Place => (Ordinal, IsJudging);

    /// <summary>The pair of answers.</summary>
    public static CanonicalPair Of(PreferencePairBuilt pair) =>
        new(pair.Ordinal, pair.Prompt, pair.Chosen.Text, pair.Rejected.Text, pair.Chosen.Score, pair.Rejected.Score);

    /// <summary>All that a prompt gives to train on, by how it settled: a pair of answers, one of judgements, both or neither, in this order.</summary>
    public static IEnumerable<CanonicalPair> AllOf(object? outcome)
    {
        if (outcome is PreferencePairBuilt answers)
            yield return Of(answers);
        if (outcome is PreferencePairBuilt { Judging.Pair: { } beside } paired)
            yield return Of(paired.Ordinal, beside);
        if (outcome is PromptDiscarded { Judging.Pair: { } alone } discarded)
            yield return Of(discarded.Ordinal, alone);
    }

    private static CanonicalPair Of(int ordinal, JudgingPair pair) =>
        new(ordinal, pair.Prompt, pair.Chosen.Text, pair.Rejected.Text, pair.Chosen.Strength, pair.Rejected.Strength, pair.Answer);
}
