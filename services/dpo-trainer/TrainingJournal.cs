using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// A training job's stream, written by the one trainer that holds the run's lock. Training that goes on from a checkpoint repeats the steps
/// after it, bit for bit; those are in the stream already and are not written again.
/// <para>
/// Steps are written while the next ones compute, those of a second together: an append a step would take more from a small model's training than anybody who
/// looks gains by it. A step that a crash keeps from the log is repeated, since a checkpoint is recorded only after every step before it.
/// </para>
/// </summary>
public sealed class TrainingJournal
{
    /// <summary>The least time from one append of steps to the next.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly FactLog _log;
    private readonly TimeProvider _time;
    private readonly string _stream;
    private readonly List<object> _gathered = [];
    private Task _appending = Task.CompletedTask;
    private long _version;
    private long? _begun;
    private int _recordedSteps;

    private TrainingJournal(FactLog log, string stream, TimeProvider time) => (_log, _stream, _time) = (log, stream, time);

    /// <summary>The plan, if training has begun.</summary>
    public TrainingStarted? Started { get; private set; }

    /// <summary>Where to go on from, newest last.</summary>
    public List<CheckpointSaved> Checkpoints { get; } = [];

    /// <summary>The checkpoints that were compared with the one before, by step.</summary>
    public List<CheckpointCompared> Comparisons { get; } = [];

    /// <summary>Reads how far a model's training has come.</summary>
    public static async Task<TrainingJournal> OpenAsync(FactLog log, string run, string model, TimeProvider time, CancellationToken cancellationToken)
    {
        var journal = new TrainingJournal(log, StreamNames.Training(run, model), time);
        foreach (var fact in await log.ReadAsync(journal._stream, cancellationToken))
            journal.Apply(fact);
        return journal;
    }

    /// <summary>Records the plan, unless it is recorded.</summary>
    /// <exception cref="InvalidDataException">The recorded plan is another one.</exception>
    public async Task StartAsync(TrainingStarted plan, CancellationToken cancellationToken)
    {
        if (Started is null)
            await AppendNowAsync(plan, cancellationToken);
        else if (Started != plan)
            throw new InvalidDataException($"Stream '{_stream}' was begun as {Started}, now it would be {plan}: data or settings changed under the run.");
    }

    /// <summary>Records a step, unless it is recorded; it may not be in the log yet when this returns.</summary>
    public async Task StepAsync(TrainingStepped step, CancellationToken cancellationToken)
    {
        if (step.Step <= _recordedSteps)
            return;
        _gathered.Add(step);
        Apply(step);
        if (!_appending.IsCompleted || (_begun is { } begun && _time.GetElapsedTime(begun) < Pause))
            return;
        await _appending;
        Begin(cancellationToken);
    }

    /// <summary>Records a checkpoint, unless it is recorded, and whatever came before it.</summary>
    public async Task CheckpointAsync(CheckpointSaved checkpoint, CancellationToken cancellationToken)
    {
        if (Checkpoints.TrueForAll(saved => saved.Step != checkpoint.Step))
            await AppendNowAsync(checkpoint, cancellationToken);
    }

    /// <summary>Records how a checkpoint did against the one before, unless it is recorded, and whatever came before it.</summary>
    public async Task CompareAsync(CheckpointCompared comparison, CancellationToken cancellationToken)
    {
        if (Comparisons.TrueForAll(compared => compared.Step != comparison.Step))
            await AppendNowAsync(comparison, cancellationToken);
    }

    /// <summary>Waits until everything is in the log.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _appending;
        Begin(cancellationToken);
        await _appending;
    }

    private async Task AppendNowAsync(object fact, CancellationToken cancellationToken)
    {
        _gathered.Add(fact);
        Apply(fact);
        await FlushAsync(cancellationToken);
    }

    private void Begin(CancellationToken cancellationToken)
    {
        if (_gathered.Count == 0)
            return;
        object[] facts = [.. _gathered];
        var expected = _version - facts.Length;
        _gathered.Clear();
        _begun = _time.GetTimestamp();
        _appending = Task.Run(() => _log.AppendAsync(_stream, expected, facts, cancellationToken), cancellationToken);
    }

    private void Apply(object fact)
    {
        _version++;
        switch (fact)
        {
            case TrainingStarted started:
                Started = started;
                break;
            case TrainingStepped step:
                _recordedSteps = Math.Max(_recordedSteps, step.Step);
                break;
            case CheckpointSaved checkpoint:
                Checkpoints.Add(checkpoint);
                break;
            case CheckpointCompared comparison:
                Comparisons.Add(comparison);
                break;
        }
    }
}
