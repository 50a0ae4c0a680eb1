using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Summary;

/// <summary>How far an iteration's prompts have come. A discarded prompt has left every stage behind it, so each stage ends at <see cref="Planned"/>.</summary>
/// <param name="number">1 for the iteration that M1 samples in.</param>
/// <param name="planned">Prompts that the iteration is to have.</param>
public sealed class IterationSummary(int number, int planned)
{
    private readonly Dictionary<int, int> _stages = [];
    private readonly int[] _passed = new int[PromptStage.Settled + 1];
    private readonly SortedDictionary<DiscardReason, int> _discarded = [];
    private DateTimeOffset? _begun;
    private DateTimeOffset? _frozen;

    public int Number { get; } = number;

    public int Planned { get; } = planned;

    public int Generated => _passed[PromptStage.Generated];

    public int Sampled => _passed[PromptStage.Sampled];

    public int Judged => _passed[PromptStage.Judged];

    public int Settled => _passed[PromptStage.Settled];

    public int Pairs { get; private set; }

    /// <summary>Drafts that the filters refused.</summary>
    public int RefusedDrafts { get; private set; }

    public IReadOnlyDictionary<DiscardReason, int> Discarded => _discarded;

    /// <summary>The iteration's end; null while prompts are worked on.</summary>
    public DatasetFrozen? Dataset { get; private set; }

    internal IEnumerable<Phase> Phases => _begun is { } begun ? [new Phase($"iteration {Number}", begun, _frozen)] : [];

    internal void Begin(DateTimeOffset at) => _begun ??= at;

    internal void Apply(PromptGenerated fact, DateTimeOffset at)
    {
        Begin(at);
        if (Pass(fact.Ordinal, PromptStage.Generated)) RefusedDrafts += fact.Rejected.Count;
    }

    internal void Apply(CandidatesSampled fact, DateTimeOffset at)
    {
        Begin(at);
        Pass(fact.Ordinal, PromptStage.Sampled);
    }

    internal void Apply(CandidatesJudged fact, DateTimeOffset at)
    {
        Begin(at);
        Pass(fact.Ordinal, PromptStage.Judged);
    }

    internal void Apply(PreferencePairBuilt fact, DateTimeOffset at)
    {
        Begin(at);
        if (Pass(fact.Ordinal, PromptStage.Settled)) Pairs++;
    }

    internal void Apply(PromptDiscarded fact, DateTimeOffset at)
    {
        Begin(at);
        if (!Pass(fact.Ordinal, PromptStage.Settled)) return;
        _discarded[fact.Reason] = _discarded.GetValueOrDefault(fact.Reason) + 1;
        RefusedDrafts += fact.Rejected.Count;
    }

    internal void Apply(DatasetFrozen fact, DateTimeOffset at)
    {
        Dataset = fact;
        _frozen = at;
    }

    private bool Pass(int ordinal, int stage)
    {
        var before = _stages.GetValueOrDefault(ordinal);
        for (var passed = before + 1; passed <= stage; passed++)
            _passed[passed]++;
        _stages[ordinal] = Math.Max(before, stage);
        return stage > before;
    }
}
