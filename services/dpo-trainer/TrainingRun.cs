using System.Security.Cryptography;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// What both recipes need around their loop: the policy and its optimiser where the last checkpoint left them, checkpoints on disk and in the
/// log, and the finished model's place.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private const string OptimizerFile = "optimizer.safetensors";

    private readonly TrainingJournal _journal;
    private readonly WorkerOptions _options;
    private readonly string _run, _name;
    private int _steps;

    private TrainingRun(TrainingJournal journal, WorkerOptions options, string run, string name, LoadedModel policy, OptimizerSettings figures)
    {
        (_journal, _options, _run, _name, Policy) = (journal, options, run, name, policy);
        policy.Model.Parameters.RequireGradients(true);
        Optimizer = new AdamW(policy.Model.Parameters, new AdamWParameters(figures.Beta1, figures.Beta2, figures.Epsilon, figures.WeightDecay, figures.MaxGradNorm));
    }

    /// <summary>The model in training.</summary>
    public LoadedModel Policy { get; }

    /// <summary>AdamW over the policy's parameters.</summary>
    public AdamW Optimizer { get; }

    /// <summary>Steps that the policy has behind it; 0 at the start.</summary>
    public int CompletedSteps { get; private init; }

    /// <summary>Loads the last checkpoint or, at the start, the parent.</summary>
    /// <exception cref="CheckpointException">A checkpoint is not what the log says it is.</exception>
    public static async Task<TrainingRun> OpenAsync(
        FactLog log, WorkerOptions options, string run, string name, ModelRef parent, OptimizerSettings figures, CancellationToken cancellationToken)
    {
        var journal = await TrainingJournal.OpenAsync(log, run, name, cancellationToken);

        // The newest that is still there; the log also names older ones, which were removed when the newest was safe.
        var checkpoint = journal.Checkpoints.LastOrDefault(saved => Directory.Exists(options.Locate(saved.Path)));
        if (checkpoint is null)
            return new TrainingRun(journal, options, run, name, CheckpointFolder.Load(options.Locate(parent.Path), parent.Sha256), figures);
        var folder = options.Locate(checkpoint.Path);
        var state = Path.Combine(folder, OptimizerFile);
        var found = await OptimizerHashAsync(folder, cancellationToken);
        if (found != checkpoint.OptimizerSha256)
            throw new CheckpointException($"Optimiser state '{state}' has SHA-256 {found ?? "(no file)"}, expected {checkpoint.OptimizerSha256}: remove the folder '{folder}' to train {name} from its start again.");
        var job = new TrainingRun(journal, options, run, name, CheckpointFolder.Load(folder, checkpoint.Sha256), figures) { CompletedSteps = checkpoint.Step };
        job.Optimizer.Load(state);
        return job;
    }

    /// <summary>Records the plan; a plan that is recorded already must be the same.</summary>
    public Task StartAsync(TrainingStarted plan, CancellationToken cancellationToken)
    {
        _steps = plan.Steps;
        TrainingTelemetry.Describe(plan, CompletedSteps);
        return _journal.StartAsync(plan, cancellationToken);
    }

    /// <summary>Records a step.</summary>
    public Task StepAsync(TrainingStepped step, CancellationToken cancellationToken)
    {
        TrainingTelemetry.Record(step, _steps);
        return _journal.StepAsync(step, cancellationToken);
    }

    /// <summary>Saves weights and optimiser state, records them, and removes the checkpoints before.</summary>
    public async Task CheckpointAsync(int step, CancellationToken cancellationToken)
    {
        var path = Path.Combine(CheckpointRoot, $"step-{step}");
        var sha256 = CheckpointFolder.Save(_options.Locate(path), Policy, masterWeights: true);
        var optimizerSha256 = Optimizer.Save(Path.Combine(_options.Locate(path), OptimizerFile));
        await _journal.CheckpointAsync(new CheckpointSaved(_run, _name, step, path, sha256, optimizerSha256), cancellationToken);
        foreach (var old in Directory.GetDirectories(_options.Locate(CheckpointRoot)).Where(other => Path.GetFileName(other) != Path.GetFileName(path)))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>Writes the finished model where messages will name it, once all its steps are in the log. Its checkpoints stay until the log names the model.</summary>
    public async Task<ModelRef> PublishAsync(CancellationToken cancellationToken)
    {
        await _journal.FlushAsync(cancellationToken);
        var path = Path.Combine("runs", _run, "models", _name);
        return new ModelRef(_name, path, CheckpointFolder.Save(_options.Locate(path), Policy));
    }

    /// <summary>Lower-case hex SHA-256 of the optimiser state in a checkpoint's folder; null where there is none.</summary>
    public static async Task<string?> OptimizerHashAsync(string folder, CancellationToken cancellationToken)
    {
        var state = Path.Combine(folder, OptimizerFile);
        if (!File.Exists(state))
            return null;
        await using var stream = File.OpenRead(state);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
    }

    /// <summary>Removes the checkpoints of a model that is published.</summary>
    public static void RemoveCheckpoints(WorkerOptions options, string run, string name)
    {
        var folder = options.Locate(CheckpointsOf(run, name));
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        Policy.Dispose();
    }

    private string CheckpointRoot => CheckpointsOf(_run, _name);

    private static string CheckpointsOf(string run, string name) => Path.Combine("runs", run, "checkpoints", name);
}
