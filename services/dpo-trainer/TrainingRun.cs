using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// What both recipes need around their loop: the policy and its optimiser, where to go on from, checkpoints on disk and in the log, and the
/// finished model's place.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private readonly TrainingJournal _journal;
    private readonly WorkerOptions _options;
    private readonly LoadedModel _policy;
    private readonly string _run, _name;

    private TrainingRun(TrainingJournal journal, WorkerOptions options, string run, string name, LoadedModel policy, AdamW optimizer)
    {
        (_journal, _options, _run, _name, _policy) = (journal, options, run, name, policy);
        Optimizer = optimizer;
    }

    /// <summary>AdamW over the policy's parameters.</summary>
    public AdamW Optimizer { get; }

    /// <summary>Steps that the checkpoint gone on from holds; 0 at the start.</summary>
    public int CompletedSteps { get; private set; }

    /// <summary>Makes the policy trainable and puts it where its last checkpoint left it.</summary>
    /// <exception cref="CheckpointException">A checkpoint is not what the log says it is.</exception>
    public static async Task<TrainingRun> OpenAsync(
        FactLog log, WorkerOptions options, string run, string name, LoadedModel policy, OptimizerSettings figures, CancellationToken cancellationToken)
    {
        var journal = await TrainingJournal.OpenAsync(log, run, name, cancellationToken);
        policy.Model.Parameters.RequireGradients();
        var optimizer = new AdamW(
            policy.Model.Parameters, new AdamWParameters(figures.Beta1, figures.Beta2, figures.Epsilon, figures.WeightDecay, figures.MaxGradNorm));
        var training = new TrainingRun(journal, options, run, name, policy, optimizer);
        training.Restore();
        return training;
    }

    /// <summary>Records the plan; a plan that is recorded already must be the same.</summary>
    public Task StartAsync(TrainingStarted plan, CancellationToken cancellationToken) => _journal.StartAsync(plan, cancellationToken);

    /// <summary>Records a step.</summary>
    public Task StepAsync(TrainingStepped step, CancellationToken cancellationToken) => _journal.StepAsync(step, cancellationToken);

    /// <summary>Saves weights and optimiser state, records them, and removes the checkpoints before.</summary>
    public async Task CheckpointAsync(int step, CancellationToken cancellationToken)
    {
        var path = Path.Combine(CheckpointRoot, $"step-{step}");
        var folder = _options.Locate(path);
        Directory.CreateDirectory(folder);
        var sha256 = CheckpointFolder.Save(folder, _policy);
        Optimizer.Save(Path.Combine(folder, "optimizer.safetensors"));
        var optimizerSha256 = CheckpointFolder.Sha256(Path.Combine(folder, "optimizer.safetensors"));
        await _journal.CheckpointAsync(new CheckpointSaved(_run, _name, step, path, sha256, optimizerSha256), cancellationToken);
        foreach (var old in Directory.GetDirectories(_options.Locate(CheckpointRoot)).Where(other => Path.GetFileName(other) != Path.GetFileName(path)))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>Writes the finished model where messages will name it. Written whole or not at all.</summary>
    public ModelRef Publish()
    {
        var path = Path.Combine("runs", _run, "models", _name);
        var sha256 = CheckpointFolder.Save(_options.Locate(path), _policy);
        if (Directory.Exists(_options.Locate(CheckpointRoot)))
            Directory.Delete(_options.Locate(CheckpointRoot), recursive: true);
        return new ModelRef(_name, path, sha256);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        _policy.Dispose();
    }

    private string CheckpointRoot => Path.Combine("runs", _run, "checkpoints", _name);

    private void Restore()
    {
        // The newest that is still there; the log may also name older ones, which were removed when the newest was safe.
        var checkpoint = _journal.Checkpoints.LastOrDefault(saved => Directory.Exists(_options.Locate(saved.Path)));
        if (checkpoint is null)
            return;
        var folder = _options.Locate(checkpoint.Path);
        var optimizer = Path.Combine(folder, "optimizer.safetensors");
        var found = File.Exists(optimizer) ? CheckpointFolder.Sha256(optimizer) : "missing";
        if (found != checkpoint.OptimizerSha256)
            throw new CheckpointException($"Optimiser state '{optimizer}' has SHA-256 {found}, expected {checkpoint.OptimizerSha256}: remove the folder '{folder}' to train {_name} from an earlier point.");
        using var saved = CheckpointFolder.Load(folder, checkpoint.Sha256);
        _policy.Model.Parameters.CopyFrom(saved.Model.Parameters);
        Optimizer.Load(optimizer);
        CompletedSteps = checkpoint.Step;
    }
}
