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

    // Of the folders beside each other below a model's checkpoints: what training can go on from, and what can be published.
    private const string ToGoOn = "step-", ToPublish = "kept-";

    /// <summary>Beside a published model that an adapter made: the adapter by itself.</summary>
    public const string AdapterFolder = "adapter";

    private readonly TrainingJournal _journal;
    private readonly WorkerOptions _options;
    private readonly string _run, _name;
    private readonly ModelRef _parent;
    private readonly LoraAdapter? _adapter;
    private int _steps;

    private TrainingRun(
        TrainingJournal journal, WorkerOptions options, string run, string name, ModelRef parent, LoadedModel policy, LoraAdapter? adapter, OptimizerSettings figures)
    {
        (_journal, _options, _run, _name, _parent, Policy, _adapter) = (journal, options, run, name, parent, policy, adapter);
        policy.Model.Adapter = adapter;
        var learned = adapter?.Parameters ?? policy.Model.Parameters; // with an adapter the weights themselves stay as they are
        learned.RequireGradients(true);
        Optimizer = new AdamW(learned, new AdamWParameters(figures.Beta1, figures.Beta2, figures.Epsilon, figures.WeightDecay, figures.MaxGradNorm));
    }

    /// <summary>The model in training.</summary>
    public LoadedModel Policy { get; }

    /// <summary>AdamW over what is learned: the policy's parameters, or its adapter's.</summary>
    public AdamW Optimizer { get; }

    /// <summary>Steps that the policy has behind it; 0 at the start.</summary>
    public int CompletedSteps { get; private init; }

    /// <summary>How the checkpoints did that were compared so far, by step.</summary>
    public IReadOnlyList<CheckpointCompared> Comparisons => _journal.Comparisons;

    /// <summary>Loads the last checkpoint or, at the start, the parent; with low-rank adaptation the parent, and an adapter beside it.</summary>
    /// <exception cref="CheckpointException">A checkpoint is not what the log says it is.</exception>
    public static async Task<TrainingRun> OpenAsync(
        FactLog log, WorkerOptions options, string run, string name, ModelRef parent, OptimizerSettings figures, RunSettings settings, TimeProvider time, CancellationToken cancellationToken)
    {
        var device = ComputeDevice.Named(options.Device);
        var journal = await TrainingJournal.OpenAsync(log, run, name, time, cancellationToken);
        var lora = settings.Lora.Figures();
        var compute = ComputeType.Named(settings.Model.ComputeDtype);
        // What is learned is float32: all weights, or an adapter beside weights that stay as they are.
        LoadedModel Load(string folder, string sha256) => CheckpointFolder.Load(folder, sha256, device: device, compute: compute, masterWeights: lora is null);

        // The newest that is still there; the log also names older ones, which were removed when the newest was safe.
        var checkpoint = journal.Checkpoints.LastOrDefault(saved => Directory.Exists(options.Locate(saved.Path)));
        if (checkpoint is null)
        {
            var start = Load(options.Locate(parent.Path), parent.Sha256);
            return Begin(start, () => lora is null ? null : LoraAdapter.Create(start.Model.Config, lora, AdapterSeed(name, settings), device), optimizerFile: null, completedSteps: 0);
        }

        var folder = options.Locate(checkpoint.Path);
        var state = Path.Combine(folder, OptimizerFile);
        RefuseOther($"Optimiser state '{state}'", await OptimizerHashAsync(folder, cancellationToken) ?? "(no file)", checkpoint.OptimizerSha256, folder, name);
        if (lora is not null)
            RefuseOther($"The adapter in '{folder}'", LoraFiles.Sha256(folder), checkpoint.Sha256, folder, name);
        var policy = lora is null ? Load(folder, checkpoint.Sha256) : Load(options.Locate(parent.Path), parent.Sha256);
        return Begin(policy, () => lora is null ? null : LoraAdapter.Load(folder, policy.Model.Config, lora, device), state, checkpoint.Step);

        // What is loaded belongs to the job, or is freed where there will be none.
        TrainingRun Begin(LoadedModel model, Func<LoraAdapter?> adapted, string? optimizerFile, int completedSteps)
        {
            LoraAdapter? adapter = null;
            TrainingRun? job = null;
            try
            {
                adapter = adapted();
                job = new TrainingRun(journal, options, run, name, parent, model, adapter, figures) { CompletedSteps = completedSteps };
                if (optimizerFile is not null)
                    job.Optimizer.Load(optimizerFile);
                return job;
            }
            catch
            {
                job?.Optimizer.Dispose();
                adapter?.Dispose();
                model.Dispose();
                throw;
            }
        }
    }

    /// <summary>Records the plan; a plan that is recorded already must be the same.</summary>
    public Task StartAsync(TrainingStarted plan, CancellationToken cancellationToken)
    {
        _steps = plan.Steps;
        TrainingTelemetry.Describe(plan, CompletedSteps);
        return _journal.StartAsync(plan, cancellationToken);
    }

    /// <summary>Changes the weights by the gradients that have gathered, and returns these gradients' norm.</summary>
    /// <exception cref="InvalidOperationException">The norm is not finite. The steps that led there are in the log: they say why.</exception>
    public async Task<double> UpdateAsync(double learningRate, CancellationToken cancellationToken)
    {
        try
        {
            return Optimizer.Step(learningRate);
        }
        catch (InvalidOperationException)
        {
            await _journal.FlushAsync(cancellationToken);
            throw;
        }
    }

    /// <summary>Records a step.</summary>
    public Task StepAsync(TrainingStepped step, CancellationToken cancellationToken)
    {
        TrainingTelemetry.Record(step, _steps);
        return _journal.StepAsync(step, cancellationToken);
    }

    /// <summary>Saves weights (or the adapter's alone) and optimiser state, records them, and removes the checkpoints before.</summary>
    public async Task CheckpointAsync(int step, CancellationToken cancellationToken)
    {
        var path = Path.Combine(CheckpointRoot, $"{ToGoOn}{step}");
        var folder = _options.Locate(path);
        var sha256 = _adapter?.Save(folder, _options.Locate(_parent.Path)) ?? CheckpointFolder.Save(folder, Policy, masterWeights: true);
        var optimizerSha256 = Optimizer.Save(Path.Combine(folder, OptimizerFile));
        await _journal.CheckpointAsync(new CheckpointSaved(_run, _name, step, path, sha256, optimizerSha256), cancellationToken);
        RemoveOthers(ToGoOn, step);
    }

    /// <summary>Writes the model as it would be published now, beside its checkpoints: it can be published later, and read while the policy is in training.</summary>
    /// <returns>Where it is, under the name of the model in the making.</returns>
    public ModelRef Keep(int step) => SaveAt(KeptPath(_run, _name, step));

    /// <summary>Records how a kept model did against the one kept before, and removes those that will not be published any more.</summary>
    /// <param name="comparison">What was recorded, or is to be.</param>
    /// <param name="kept">The step of the one that may still be published.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task CompareAsync(CheckpointCompared comparison, int kept, CancellationToken cancellationToken)
    {
        await _journal.CompareAsync(comparison, cancellationToken);
        RemoveOthers(ToPublish, kept);
    }

    /// <summary>
    /// Writes the finished model where messages will name it, once all its steps are in the log. Its checkpoints stay until the log names the model. An adapter is merged into
    /// the weights of the model before, so that the model is like any other, and beside them it is there by itself; the policy is gone then.
    /// </summary>
    public async Task<ModelRef> PublishAsync(CancellationToken cancellationToken)
    {
        await _journal.FlushAsync(cancellationToken);
        if (_adapter is not null)
            Policy.Dispose(); // what it is merged into takes its place
        return SaveAt(PublishedPath);
    }

    /// <summary>Puts a kept model where messages will name it, as <see cref="PublishAsync(CancellationToken)"/> does the policy.</summary>
    /// <param name="kept">The comparison that it was kept for.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="CheckpointException">It is gone, or another one.</exception>
    public async Task<ModelRef> PublishAsync(CheckpointCompared kept, CancellationToken cancellationToken)
    {
        await _journal.FlushAsync(cancellationToken);
        var (folder, target) = (_options.Locate(KeptPath(_run, _name, kept.Step)), _options.Locate(PublishedPath));
        RefuseOther($"The model of step {kept.Step}, which is to be published as {_name},", HashOf(folder), kept.Sha256, _options.Locate(CheckpointRoot), _name);
        if (_adapter is not null)
        {
            // Read and written, not copied: it names the model before from where it lies itself.
            using var adapter = LoraAdapter.Load(Path.Combine(folder, AdapterFolder), Policy.Model.Config, _adapter.Config);
            adapter.Save(Path.Combine(target, AdapterFolder), _options.Locate(_parent.Path));
        }

        CheckpointFolder.Copy(folder, target);
        return new ModelRef(_name, PublishedPath, kept.Sha256);
    }

    /// <summary>Where the model of a step is kept that may be published; its folder's name is the model's in telemetry.</summary>
    public static string KeptPath(string run, string name, int step) => Path.Combine(CheckpointsOf(run, name), $"{ToPublish}{step}", name);

    /// <summary>Lower-case hex SHA-256 of what a checkpoint's folder has of weights: an adapter's, or else a model's.</summary>
    /// <exception cref="CheckpointException">There are none, or they cannot be read.</exception>
    public static string WeightsHash(string folder) => LoraFiles.AreIn(folder) ? LoraFiles.Sha256(folder) : CheckpointFolder.Sha256(folder);

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
        _adapter?.Dispose();
        Policy.Dispose();
    }

    private static ulong AdapterSeed(string name, RunSettings settings) =>
        DrawKey.For(settings.Seed, DrawPurpose.Initialisation, 1 + (ModelNames.Iteration(name) ?? 0)); // 0 is M0's own

    private static void RefuseOther(string subject, string found, string expected, string folder, string name)
    {
        if (found != expected)
            throw new CheckpointException($"{subject} has SHA-256 {found}, expected {expected}: remove the folder '{folder}' to train {name} from its start again.");
    }

    private static string HashOf(string folder)
    {
        try
        {
            return CheckpointFolder.Sha256(folder);
        }
        catch (CheckpointException)
        {
            return "(no file)";
        }
    }

    // As it is published. An adapter is merged into the model before, loaded anew in float32: the policy goes on with the adapter beside weights that may be held in a narrower type.
    private ModelRef SaveAt(string path)
    {
        var folder = _options.Locate(path);
        if (_adapter is null)
            return new ModelRef(_name, path, CheckpointFolder.Save(folder, Policy));
        _adapter.Save(Path.Combine(folder, AdapterFolder), _options.Locate(_parent.Path));
        using var merged = CheckpointFolder.Load(_options.Locate(_parent.Path), _parent.Sha256);
        merged.Model.Adapter = _adapter;
        merged.Model.MergeAdapter();
        return new ModelRef(_name, path, CheckpointFolder.Save(folder, merged));
    }

    private void RemoveOthers(string kind, int step)
    {
        foreach (var old in Directory.GetDirectories(_options.Locate(CheckpointRoot), $"{kind}*").Where(other => Path.GetFileName(other) != $"{kind}{step}"))
            Directory.Delete(old, recursive: true);
    }

    private string PublishedPath => Path.Combine("runs", _run, "models", _name);

    private string CheckpointRoot => CheckpointsOf(_run, _name);

    private static string CheckpointsOf(string run, string name) => Path.Combine("runs", run, "checkpoints", name);
}
