using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Summary;

/// <summary>What an <see cref="IterationSummary"/> goes on from.</summary>
/// <param name="Passed">By stage, from the first to the last.</param>
public sealed record IterationState(
    int Number, int Planned, IReadOnlyList<int> Passed, int Pairs, int? JudgingPairs, int RefusedDrafts, SortedDictionary<DiscardReason, int> Discarded,
    DatasetFrozen? Dataset, DateTimeOffset? Begun, DateTimeOffset? Frozen, StatisticsState Statistics);

/// <summary>
/// How far an iteration's prompts have come. A discarded prompt has left every stage behind it, so each stage ends at <see cref="Planned"/>.
/// Counts are enough, and stay small: a stage is in the log exactly once, and a discard says by its reason which stages it spares.
/// </summary>
public sealed class IterationSummary
{
    private readonly int _planned;
    private readonly int[] _passed = new int[PromptStage.Settled + 1];
    private readonly SortedDictionary<DiscardReason, int> _discarded = [];
    private readonly RunningStatistics _statistics = new();

    /// <param name="number">1 for the iteration that M1 samples in.</param>
    /// <param name="planned">Prompts that the iteration is to have.</param>
    public IterationSummary(int number, int planned) => (Number, _planned) = (number, planned);

    internal IterationSummary(IterationState state)
        : this(state.Number, state.Planned)
    {
        for (var stage = PromptStage.Generated; stage <= PromptStage.Settled; stage++)
            _passed[stage] = state.Passed[stage - 1];
        foreach (var (reason, count) in state.Discarded)
            _discarded[reason] = count;
        (Pairs, JudgingPairs, RefusedDrafts, Dataset, BegunAt, FrozenAt) = (state.Pairs, state.JudgingPairs, state.RefusedDrafts, state.Dataset, state.Begun, state.Frozen);
        _statistics = new RunningStatistics(state.Statistics);
    }

    public int Number { get; }

    /// <summary>Of what a fork shares, as many as its parent had.</summary>
    public int Planned => Dataset?.Statistics.Prompts ?? _planned;

    public int Generated => _passed[PromptStage.Generated];

    public int Sampled => _passed[PromptStage.Sampled];

    public int Judged => _passed[PromptStage.Judged];

    public int Settled => _passed[PromptStage.Settled];

    /// <summary>Pairs of answers.</summary>
    public int Pairs { get; private set; }

    /// <summary>Pairs of judgements; null where none were compared so far.</summary>
    public int? JudgingPairs { get; private set; }

    /// <summary>Drafts that the filters refused.</summary>
    public int RefusedDrafts { get; private set; }

    public IReadOnlyDictionary<DiscardReason, int> Discarded => _discarded;

    /// <summary>The iteration's end; null while prompts are worked on.</summary>
    public DatasetFrozen? Dataset { get; private set; }

    /// <summary>The drift panel's figures: as they were frozen, or so far.</summary>
    public DatasetStatistics Statistics => Dataset?.Statistics ?? _statistics.Of(Settled, _discarded);

    public DateTimeOffset? BegunAt { get; private set; }

    public DateTimeOffset? FrozenAt { get; private set; }

    internal IEnumerable<Phase> Phases => BegunAt is { } begun ? [new Phase($"iteration {Number}", begun, FrozenAt)] : [];

    internal IterationState State => new(
        Number, _planned, [.. _passed.Skip(PromptStage.Generated)], Pairs, JudgingPairs, RefusedDrafts, new SortedDictionary<DiscardReason, int>(_discarded),
        Dataset?.Ordered(), BegunAt, FrozenAt, _statistics.State);

    internal void Begin(DateTimeOffset at) => BegunAt ??= at;

    internal void Apply(PromptGenerated fact, DateTimeOffset at)
    {
        Begin(at);
        _passed[PromptStage.Generated]++;
        RefusedDrafts += fact.Rejected.Count;
    }

    internal void Apply(CandidatesSampled fact, DateTimeOffset at)
    {
        Begin(at);
        _passed[PromptStage.Sampled]++;
        _statistics.Apply(fact);
    }

    internal void Apply(CandidatesJudged fact, DateTimeOffset at)
    {
        Begin(at);
        _passed[PromptStage.Judged]++;
        _statistics.Apply(fact);
    }

    internal void Apply(PreferencePairBuilt fact, DateTimeOffset at)
    {
        Begin(at);
        _passed[PromptStage.Settled]++;
        Pairs++;
        Count(fact.Judging);
        _statistics.Apply(fact);
    }

    internal void Apply(PromptDiscarded fact, DateTimeOffset at)
    {
        Begin(at);
        for (var stage = PromptStage.Of(fact.Reason); stage <= PromptStage.Settled; stage++)
            _passed[stage]++;
        _discarded[fact.Reason] = _discarded.GetValueOrDefault(fact.Reason) + 1;
        RefusedDrafts += fact.Rejected.Count;
        Count(fact.Judging);
    }

    internal void Apply(DatasetFrozen fact, DateTimeOffset at) => (Dataset, FrozenAt) = (fact, at);

    private void Count(JudgingOutcome? judging)
    {
        if (judging is not null)
            JudgingPairs = (JudgingPairs ?? 0) + (judging.Pair is null ? 0 : 1);
    }
}
