using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Summary;

internal static class OrderedFacts
{
    /// <summary>The same fact with its counts in an order of their own, so that the same state is always the same text.</summary>
    public static DatasetFrozen Ordered(this DatasetFrozen fact) => fact with
    {
        Statistics = fact.Statistics with
        {
            ScoreHistogram = Sorted(fact.Statistics.ScoreHistogram),
            Discarded = Sorted(fact.Statistics.Discarded),
            Judging = fact.Statistics.Judging is { } judging ? judging with { NoPair = Sorted(judging.NoPair) } : null,
        },
    };

    private static SortedDictionary<string, int> Sorted(IReadOnlyDictionary<string, int> counts) =>
        new(counts.ToDictionary(entry => entry.Key, entry => entry.Value), StringComparer.Ordinal);
}
