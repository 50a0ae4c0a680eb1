using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Summary;

/// <summary>What a <see cref="ModelSummary"/> goes on from.</summary>
public sealed record ModelState(
    string Name, TrainingStarted? Training, IReadOnlyList<TrainingStepped> Recent, DatasetFrozen? Dataset, ModelPublished? Published, ModelEvaluated? Evaluation,
    DateTimeOffset? TrainingStartedAt, DateTimeOffset? PublishedAt, DateTimeOffset? EvaluatedAt, IReadOnlyList<TrainingStepped> RecentThen);

/// <summary>One model: how it is trained, what was published, and how it did on held-out data.</summary>
public sealed class ModelSummary(string name)
{
    // One step's metrics are those of one batch; the last ones together say where training ended.
    private const int RecentSteps = 10;

    private readonly List<TrainingStepped> _recent = [];

    // The last steps as they were when the last checkpoint was compared.
    private IReadOnlyList<TrainingStepped> _recentThen = [];

    internal ModelSummary(ModelState state)
        : this(state.Name)
    {
        _recent.AddRange(state.Recent);
        _recentThen = state.RecentThen;
        (Training, Dataset, Published, Evaluation) = (state.Training, state.Dataset, state.Published, state.Evaluation);
        (TrainingStartedAt, PublishedAt, EvaluatedAt) = (state.TrainingStartedAt, state.PublishedAt, state.EvaluatedAt);
    }

    public string Name { get; } = name;

    /// <summary>The plan of its training; null for M0, or before it starts.</summary>
    public TrainingStarted? Training { get; private set; }

    public DateTimeOffset? TrainingStartedAt { get; private set; }

    public DateTimeOffset? PublishedAt { get; private set; }

    public DateTimeOffset? EvaluatedAt { get; private set; }

    /// <summary>The last optimiser step that was not given up by early stopping, without the list of its examples.</summary>
    public TrainingStepped? LastStep => _recent.LastOrDefault();

    /// <summary>The pairs that it is trained on, for a DPO model.</summary>
    public DatasetFrozen? Dataset { get; private set; }

    public ModelPublished? Published { get; private set; }

    public ModelEvaluated? Evaluation { get; private set; }

    /// <summary>Mean loss of the last steps.</summary>
    public double? Loss => MeanOf(step => step.Loss);

    /// <summary>Mean <c>rewards/margins</c> of the last steps.</summary>
    public double? RewardsMargins => MeanOf(step => step.Preference?.RewardsMargins);

    /// <summary>Mean <c>rewards/accuracies</c> of the last steps.</summary>
    public double? RewardsAccuracies => MeanOf(step => step.Preference?.RewardsAccuracies);

    /// <summary>Tokens of the last steps by the seconds that they took.</summary>
    public double? TokensPerSecond => _recent.Sum(step => step.Seconds) is > 0 and var seconds ? _recent.Sum(step => (double)step.Tokens) / seconds : null;

    internal ModelState State => new(Name, Training, [.. _recent], Dataset?.Ordered(), Published, Evaluation, TrainingStartedAt, PublishedAt, EvaluatedAt, _recentThen);

    internal IEnumerable<Phase> Phases
    {
        get
        {
            if (TrainingStartedAt is { } started) yield return new Phase($"training {Name}", started, PublishedAt);
            if (PublishedAt is { } published) yield return new Phase($"measuring {Name}", published, EvaluatedAt);
        }
    }

    internal void Apply(DatasetFrozen fact) => Dataset = fact;

    internal void Apply(TrainingStarted fact, DateTimeOffset at)
    {
        Training ??= fact;
        TrainingStartedAt ??= at;
    }

    internal void Apply(TrainingStepped fact)
    {
        // After a crash training goes on from the last checkpoint: what comes again replaces what was.
        _recent.RemoveAll(step => step.Step >= fact.Step);
        // Which examples were in a batch is for the log to keep.
        _recent.Add(fact with { Examples = [], Replayed = [], Judging = null });
        if (_recent.Count > RecentSteps) _recent.RemoveAt(0);
    }

    internal void Apply(CheckpointCompared fact)
    {
        // Where training stops, what is published comes from the steps up to the comparison before.
        if (fact.Stops)
        {
            _recent.Clear();
            _recent.AddRange(_recentThen);
        }

        _recentThen = fact.Stops ? [] : [.. _recent];
    }

    internal void Apply(ModelPublished fact, DateTimeOffset at) => (Published, PublishedAt) = (fact, at);

    internal void Apply(ModelEvaluated fact, DateTimeOffset at) => (Evaluation, EvaluatedAt) = (fact, at);

    private double? MeanOf(Func<TrainingStepped, double?> metric)
    {
        var values = _recent.Select(metric).OfType<double>().ToList();
        return values.Count == 0 ? null : values.Average();
    }
}
