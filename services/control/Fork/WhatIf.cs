using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.PairBuilder;

namespace SelfRewarding.Control.Fork;

/// <summary>How one prompt would settle otherwise.</summary>
/// <param name="Before">The pair or discard that is recorded; null where the prompt has not settled.</param>
/// <param name="After">The one that the fork's settings give.</param>
public sealed record ChangedOutcome(int Ordinal, object? Before, object After);

/// <summary>What other settings would make of the recorded judgements of an iteration: nothing is generated, and nothing is recorded.</summary>
/// <param name="Prompts">Prompts that were looked at.</param>
/// <param name="Before">How they settled, by <c>pair</c> or the discard's reason.</param>
/// <param name="After">How they would.</param>
/// <param name="Changed">The prompts for which that is another pair, or a pair or none; by ordinal.</param>
public sealed record WhatIf(
    int Prompts, IReadOnlyDictionary<string, int> Before, IReadOnlyDictionary<string, int> After, IReadOnlyList<ChangedOutcome> Changed)
{
    /// <summary>Under this name pairs of judgements are counted, beside what became of the prompts.</summary>
    public const string JudgingPair = "pair of judgements";

    /// <summary>Decides every prompt of the iteration anew.</summary>
    public static async Task<WhatIf> OfAsync(RunLog log, Ancestry parent, RunStarted fork, CancellationToken cancellationToken)
    {
        var (run, iteration) = (fork.Origin!.Parent, fork.Origin.Iteration);
        var ancestry = new Ancestry([fork, .. parent.Chain]);
        var (before, after) = (new SortedDictionary<string, int>(StringComparer.Ordinal), new SortedDictionary<string, int>(StringComparer.Ordinal));
        var changed = new List<ChangedOutcome>();
        var (prompts, ordinal) = (0, -1);
        await foreach (var history in log.ReadIterationAsync(run, iteration, cancellationToken))
        {
            if (++ordinal >= fork.Settings.Prompts.PerIteration)
                break;
            prompts++;
            var outcome = history is { Generated: { } generated, Sampled: { } sampled, Judged: { } judged }
                ? PairBuilderConsumer.Settle(generated, AsOf(sampled), AsOf(judged), fork.Settings)
                : history.Outcome!; // discarded before it was judged, in the part that is shared
            Count(before, history.Outcome);
            Count(after, outcome);
            if (!SameDecision(history.Outcome, outcome))
                changed.Add(new ChangedOutcome(ordinal, history.Outcome, outcome));
        }

        return new WhatIf(prompts, before, after, changed);

        T AsOf<T>(T fact) => (T)SharedFacts.AsOf(ancestry, run, fact!);
    }

    /// <summary>An outcome by <c>pair</c>, the discard's reason, or <c>not settled</c>.</summary>
    public static string Kind(object? outcome) => outcome switch { PreferencePairBuilt => "pair", PromptDiscarded discarded => discarded.Reason.ToString(), _ => "not settled" };

    // Scores may differ and the pair still be the same: what is trained on is the two texts.
    private static bool SameDecision(object? before, object after) => SameAnswers(before, after) && JudgedPair(before) == JudgedPair(after);

    private static (int?, int, int)? JudgedPair(object? outcome) =>
        JudgingOutcome.Of(outcome) is { Pair: { } pair } judging ? (judging.Candidate, pair.Chosen.Judgement, pair.Rejected.Judgement) : null;

    private static bool SameAnswers(object? before, object after) => (before, after) switch
    {
        (PreferencePairBuilt a, PreferencePairBuilt b) => a.Chosen.Candidate == b.Chosen.Candidate && a.Rejected.Candidate == b.Rejected.Candidate,
        _ => Kind(before) == Kind(after),
    };

    private static void Count(SortedDictionary<string, int> counts, object? outcome)
    {
        counts[Kind(outcome)] = counts.GetValueOrDefault(Kind(outcome)) + 1;
        if (JudgedPair(outcome) is not null)
            counts[JudgingPair] = counts.GetValueOrDefault(JudgingPair) + 1;
    }
}
