using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// Compares the checkpoints of one training as it goes (<see cref="EarlyStoppingRule"/> decides), says where it ends, and publishes the checkpoint that won. A comparison is recorded once; what it takes to publish either
/// side stays on disk until it is. So a training that is killed goes on to the same model: before the comparison is recorded it is made again, after that it is kept to.
/// </summary>
/// <param name="job">The training.</param>
/// <param name="answers">Lets checkpoints answer.</param>
/// <param name="run">Its run.</param>
/// <param name="parent">The model that it started from, which judges.</param>
/// <param name="prompts">What to compare on; without any there is nothing to stop for.</param>
/// <param name="steps">Steps of the whole training.</param>
/// <param name="iteration">The iteration whose pairs it is trained on.</param>
/// <param name="settings">The run's settings.</param>
public sealed class EarlyStopping(
    TrainingRun job, CheckpointAnswers answers, string run, ModelRef parent, IReadOnlyList<ValidationPrompt> prompts, int steps, int iteration, RunSettings settings)
{
    private readonly IReadOnlyList<int> _due = [.. EarlyStoppingRule.Steps(settings.Dpo.EarlyStopping, steps, prompts.Count)];

    /// <summary>The step that training goes to, as far as is known: its end or, once a comparison has said to stop, the step that is published.</summary>
    public int LastStep => job.Comparisons is [.., { Stops: true }] ? PublishedStep : steps;

    /// <summary>The step whose weights are published, as far as is known.</summary>
    public int PublishedStep => EarlyStoppingRule.Published(job.Comparisons)?.Step ?? steps;

    /// <summary>Whether the checkpoint of a step is compared.</summary>
    public bool IsDue(int step) => _due.Contains(step);

    /// <summary>Compares the checkpoint of a step where that is due, unless it is recorded.</summary>
    /// <exception cref="CheckpointException">It is recorded, and the weights were others.</exception>
    public async Task AfterAsync(int step, CancellationToken cancellationToken)
    {
        if (!IsDue(step) || step > LastStep)
            return;
        var checkpoint = job.Keep(step);
        var compared = job.Comparisons.FirstOrDefault(compared => compared.Step == step) ?? await CompareAsync(step, checkpoint, cancellationToken);
        if (compared.Sha256 != checkpoint.Sha256)
            throw new CheckpointException($"Step {step} of {checkpoint.Name} came to weights with SHA-256 {checkpoint.Sha256}, but was compared with {compared.Sha256}: this machine computes otherwise than the one that compared it. Go on there, or start a new run.");
        await job.CompareAsync(compared, kept: compared.Stops ? compared.Against!.Value : step, cancellationToken);
        TrainingTelemetry.Record(compared);
    }

    /// <summary>Publishes the checkpoint that won, or the policy where none was compared.</summary>
    public Task<ModelRef> PublishAsync(CancellationToken cancellationToken) =>
        EarlyStoppingRule.Published(job.Comparisons) is { } kept ? job.PublishAsync(kept, cancellationToken) : job.PublishAsync(cancellationToken);

    private async Task<CheckpointCompared> CompareAsync(int step, ModelRef checkpoint, CancellationToken cancellationToken)
    {
        var (answered, server) = await answers.OfAsync(checkpoint, parent, prompts, iteration, settings, cancellationToken);
        var open = new CheckpointCompared(run, checkpoint.Name, step, checkpoint.Sha256, parent, answered, null, 0, 0, 0, Stops: false, server);
        return EarlyStoppingRule.Decide(open, job.Comparisons is [.., var before] ? before : null);
    }
}
