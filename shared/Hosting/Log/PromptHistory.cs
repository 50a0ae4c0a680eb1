using SelfRewarding.Contracts;

namespace SelfRewarding.Hosting;

/// <summary>The fold of one prompt's stream.</summary>
/// <param name="Outcome">A <see cref="PreferencePairBuilt"/> or a <see cref="PromptDiscarded"/>, once the prompt has settled.</param>
/// <param name="Version">The stream's version; 0 when the prompt does not exist yet.</param>
public sealed record PromptHistory(PromptGenerated? Generated, CandidatesSampled? Sampled, CandidatesJudged? Judged, object? Outcome, int Version)
{
    /// <summary>The prompt before anything happened.</summary>
    public static readonly PromptHistory Empty = new(null, null, null, null, 0);

    /// <summary>The trace that the prompt's first stage was recorded in, as a W3C <c>traceparent</c>; null where none was, or where the run shares that stage with another.</summary>
    public string? TraceParent { get; init; }

    /// <summary>What came of comparing judgements; null where none were compared, or the prompt has not settled.</summary>
    public JudgingOutcome? Judging => JudgingOutcome.Of(Outcome);

    /// <summary>Folds a stream.</summary>
    public static PromptHistory Of(IReadOnlyList<object> facts) => facts.Aggregate(Empty, (history, fact) => history.Apply(fact));

    /// <summary>The history with one more recorded fact.</summary>
    public PromptHistory Apply(Recorded recorded) =>
        Apply(recorded.Fact) with { TraceParent = TraceParent ?? (recorded.Shared ? null : recorded.TraceParent) };

    /// <summary>The history with one more fact.</summary>
    public PromptHistory Apply(object fact) => (fact switch
    {
        PromptGenerated generated => this with { Generated = generated },
        CandidatesSampled sampled => this with { Sampled = sampled },
        CandidatesJudged judged => this with { Judged = judged },
        PreferencePairBuilt or PromptDiscarded => this with { Outcome = fact },
        _ => this,
    }) with { Version = Version + 1 };

    /// <summary>What the stream says last: the message to publish again when a worker was lost.</summary>
    public object? Last => Outcome ?? Judged ?? Sampled ?? (object?)Generated;
}
