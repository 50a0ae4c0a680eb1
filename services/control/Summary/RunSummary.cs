using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Summary;

/// <summary>How a run ended: completed (no reason), or stopped and why.</summary>
public sealed record RunEnd(DateTimeOffset At, string? StopReason);

/// <summary>A stretch of a run's wall time, from its first fact to its last; null while it lasts. Time in which nothing ran counts, too.</summary>
public sealed record Phase(string Name, DateTimeOffset Start, DateTimeOffset? End);

/// <summary>What a <see cref="RunSummary"/> goes on from: all that it knows, in an order of its own.</summary>
public sealed record RunState(
    string Run, RunSettings? Settings, IReadOnlyList<SeedSet> Seeds, RunOrigin? Origin, DateTimeOffset? StartedAt, DateTimeOffset? LastFactAt,
    long StartedPosition, long Position, RunEnd? End, EftCounts? Eft, ThroughputState Generation,
    IReadOnlyList<IterationState> Iterations, IReadOnlyList<ModelState> Models);

/// <summary>The judging seed that the baseline made: accepted and refused examples, and those thinned out.</summary>
public sealed record EftCounts(int Accepted, int Refused, int Thinned);

/// <summary>
/// One run as a fold of its log: everything that the live view, the final table and the read models show. Disposable: drop it, and the log
/// gives it again. What it keeps does not grow with the number of facts. Not safe for use by several threads at once.
/// </summary>
public sealed class RunSummary
{
    private readonly SortedDictionary<int, IterationSummary> _iterations = [];
    private readonly Dictionary<string, ModelSummary> _models = new(StringComparer.Ordinal);

    /// <param name="run">The run whose facts count; those of others are passed over.</param>
    public RunSummary(string run) => Run = run;

    /// <param name="state">What an earlier summary had come to.</param>
    public RunSummary(RunState state)
        : this(state.Run)
    {
        (Settings, Seeds, Origin, StartedAt, LastFactAt) = (state.Settings, state.Seeds, state.Origin, state.StartedAt, state.LastFactAt);
        (StartedPosition, Position, End, Eft, Generation) = (state.StartedPosition, state.Position, state.End, state.Eft, new Throughput(state.Generation));
        foreach (var iteration in state.Iterations)
            _iterations[iteration.Number] = new IterationSummary(iteration);
        foreach (var model in state.Models)
            _models[model.Name] = new ModelSummary(model);
    }

    public string Run { get; }

    /// <summary>What the run was started with; null until its first fact.</summary>
    public RunSettings? Settings { get; private set; }

    public IReadOnlyList<SeedSet> Seeds { get; private set; } = [];

    /// <summary>Where a fork branches off; null for a run that begins at M0.</summary>
    public RunOrigin? Origin { get; private set; }

    public DateTimeOffset? StartedAt { get; private set; }

    public DateTimeOffset? LastFactAt { get; private set; }

    /// <summary>The place of its first fact in the log.</summary>
    public long StartedPosition { get; private set; }

    /// <summary>The place of the last fact that was taken.</summary>
    public long Position { get; private set; }

    public RunEnd? End { get; private set; }

    /// <summary>Null where the run made no judging seed.</summary>
    public EftCounts? Eft { get; private set; }

    public IEnumerable<IterationSummary> Iterations => _iterations.Values;

    /// <summary>The models that there is anything to say of, in the order in which the run makes them.</summary>
    public IEnumerable<ModelSummary> Models => _models.Values.OrderBy(model => OrderOf(model.Name));

    /// <summary>Answers and judgements, while prompts are worked on.</summary>
    public Throughput Generation { get; } = new();

    /// <summary>Nothing is left to wait for: the run completed or stopped, and every model that it published is measured.</summary>
    public bool IsFinished => End is not null && _models.Values.All(model => model.Published is null || model.Evaluation is not null);

    /// <summary>The phases so far in the order of their starts.</summary>
    public IReadOnlyList<Phase> Phases =>
        [.. _models.Values.SelectMany(model => model.Phases).Concat(_iterations.Values.SelectMany(iteration => iteration.Phases)).OrderBy(phase => phase.Start)];

    public ModelSummary? Model(string name) => _models.GetValueOrDefault(name);

    /// <summary>Takes one fact of the log, in the log's order.</summary>
    /// <param name="at">When it was recorded.</param>
    /// <param name="position">Its place in the log.</param>
    /// <returns>Whether the fact was this run's.</returns>
    public bool Apply(object fact, DateTimeOffset at, long position = 0)
    {
        if (RunOf(fact) != Run) return false;
        (LastFactAt, Position) = (at, position);
        switch (fact)
        {
            case RunStarted f:
                (Settings, Seeds, Origin, StartedAt, StartedPosition) = (f.Settings, f.Seeds, f.Origin, at, position);
                break;
            case ModelPublished f:
                Make(f.Model.Name).Apply(f, at);
                if (ModelNames.Iteration(f.Model.Name) is { } iteration && iteration <= (Settings?.Iterations ?? 0)) Open(iteration).Begin(at);
                break;
            case RunCompleted:
                End = new RunEnd(at, null);
                break;
            case RunStopped f:
                End = new RunEnd(at, f.Reason);
                break;
            case PromptGenerated f:
                Open(f.Iteration).Apply(f, at);
                break;
            case CandidatesSampled f:
                Open(f.Iteration).Apply(f, at);
                Generation.Add(at, (int)(f.Server?.OutputTokens ?? f.Candidates.Sum(candidate => candidate.Tokens.Count)));
                break;
            case CandidatesJudged f:
                Open(f.Iteration).Apply(f, at);
                Generation.Add(at, f.Judgements.Sum(judgement => judgement.TokenCount) + (f.Meta?.Sum(comparison => comparison.TokenCount) ?? 0));
                break;
            case PreferencePairBuilt f:
                Open(f.Iteration).Apply(f, at);
                break;
            case PromptDiscarded f:
                Open(f.Iteration).Apply(f, at);
                break;
            case DatasetFrozen f:
                Open(f.Iteration).Apply(f, at);
                Make(f.Model).Apply(f);
                break;
            case EftBuilt f:
                Eft = new EftCounts(f.Accepted, f.Verdicts.Count(verdict => !verdict.Accepted), f.Thinned);
                break;
            case TrainingStarted f:
                Make(f.Model).Apply(f, at);
                break;
            case TrainingStepped f:
                Make(f.Model).Apply(f);
                break;
            case CheckpointCompared f:
                Make(f.Model).Apply(f);
                break;
            case ModelEvaluated f:
                Make(f.Model.Name).Apply(f, at);
                break;
        }

        return true;
    }

    /// <summary>What to go on from.</summary>
    public RunState State => new(
        Run, Settings, Seeds, Origin, StartedAt, LastFactAt, StartedPosition, Position, End, Eft, Generation.State,
        [.. _iterations.Values.Select(iteration => iteration.State)],
        [.. _models.Values.OrderBy(model => model.Name, StringComparer.Ordinal).Select(model => model.State)]);

    private ModelSummary Make(string name) => _models.TryGetValue(name, out var model) ? model : _models[name] = new ModelSummary(name);

    private IterationSummary Open(int number) =>
        _iterations.TryGetValue(number, out var iteration) ? iteration : _iterations[number] = new IterationSummary(number, Settings?.Prompts.PerIteration ?? 0);

    internal static int OrderOf(string model) => model switch { ModelNames.Base => -2, ModelNames.Baseline => -1, _ => ModelNames.Iteration(model) ?? int.MaxValue };

    /// <summary>The run that a fact belongs to; null for what is no fact of this version.</summary>
    public static string? RunOf(object fact) => fact switch
    {
        RunStarted f => f.Run,
        ModelPublished f => f.Run,
        RunCompleted f => f.Run,
        RunStopped f => f.Run,
        PromptGenerated f => f.Run,
        CandidatesSampled f => f.Run,
        CandidatesJudged f => f.Run,
        PreferencePairBuilt f => f.Run,
        PromptDiscarded f => f.Run,
        DatasetFrozen f => f.Run,
        EftBuilt f => f.Run,
        TrainingStarted f => f.Run,
        TrainingStepped f => f.Run,
        CheckpointSaved f => f.Run,
        CheckpointCompared f => f.Run,
        HeldOutAnswered f => f.Run,
        HeldOutJudged f => f.Run,
        ModelEvaluated f => f.Run,
        _ => null,
    };
}
