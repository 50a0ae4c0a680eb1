using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Model;
using TorchSharp;

namespace SelfRewarding.Benchmarks;

/// <summary>The two recipes' loops over the same parts, with the same checkpoints on disk, and no log: nothing is looked up, recorded or published.</summary>
internal sealed class BareTraining(RunSettings settings, WorkerOptions options, WorkDone work, string run)
{
    private const int ReferenceBatch = 32;

    /// <summary>Supervised fine-tuning of the baseline or of M1.</summary>
    public ModelPublished Sft(string name, ModelRef parent, SeedData seed)
    {
        var (sft, isBaseline) = (settings.Sft, name == ModelNames.Baseline);
        var steps = isBaseline ? sft.BaselineSteps : sft.Steps;
        using var policy = LoadPolicy(parent);
        using var optimizer = NewOptimizer(policy, sft.Optimizer);
        var mixture = SftMixture.Of(
            seed, isBaseline ? [] : seed.EftJudged, isBaseline, settings, policy.Chat, policy.Model.Config.MaxPositionEmbeddings);
        var schedule = new LearningRateSchedule(LearningRateDecay.Cosine, sft.LearningRate, sft.FinalLearningRate, sft.WarmupSteps, steps);
        for (var step = 1; step <= steps; step++)
        {
            var rows = mixture.Batch(step, sft.Batch);
            var dropout = new DropoutKey(sft.Dropout, DrawKey.For(settings.Seed, DrawPurpose.Dropout, isBaseline ? 0 : 1, step));
            var learningRate = schedule.At(step - 1);
            using (torch.NewDisposeScope())
            {
                using var batch = SequenceBatch.Of([.. rows.Select(row => mixture[row])]);
                var mean = SftLoss.Mean(policy.Model, batch, dropout);
                mean.backward();
                var gradNorm = optimizer.Step(learningRate);
                Stepped(name, step, mean, gradNorm, learningRate, batch.Tokens, rows);
            }

            if (step % sft.CheckpointEvery == 0 && step < steps)
                SaveCheckpoint(name, step, policy, optimizer);
        }

        return Publish(name, policy, parent, mixture.Sha256, steps);
    }

    /// <summary>Direct preference optimisation of M(t+1) from M(t).</summary>
    /// <param name="pairs">The pairs by ordinal, each with whether its rejected answer ran into the length limit.</param>
    public ModelPublished Dpo(
        DatasetFrozen frozen, ModelRef parent, IReadOnlyList<(PreferencePairBuilt Pair, bool Truncated)> pairs, SeedData seed)
    {
        var (dpo, name) = (settings.Dpo, frozen.Model);
        using var reference = CheckpointFolder.Load(options.Locate(parent.Path), parent.Sha256);
        var chosen = pairs.Select(item => Sequence(reference.Chat, item.Pair.Prompt, item.Pair.Chosen.Text, truncated: false)).ToList();
        var rejected = pairs.Select(item => Sequence(reference.Chat, item.Pair.Prompt, item.Pair.Rejected.Text, item.Truncated)).ToList();
        var (chosenReference, rejectedReference) = (Score(reference.Model, chosen), Score(reference.Model, rejected));
        var replay = JudgingReplay.Of(seed.EftJudged, settings, frozen.Iteration, reference.Chat, reference.Model.Config.MaxPositionEmbeddings);

        using var policy = LoadPolicy(parent);
        using var optimizer = NewOptimizer(policy, dpo.Optimizer);
        var batches = (pairs.Count + dpo.Batch - 1) / dpo.Batch;
        var steps = dpo.Epochs * batches;
        var schedule = new LearningRateSchedule(LearningRateDecay.Cosine, dpo.LearningRate, dpo.FinalLearningRate, dpo.WarmupSteps, steps);
        var parameters = new DpoParameters(dpo.Loss, dpo.Beta, dpo.LabelSmoothing, dpo.RpoAlpha, dpo.SimpoGamma);
        var shuffle = DrawKey.For(settings.Seed, DrawPurpose.Shuffle, frozen.Iteration + 1);
        for (var step = 1; step <= steps; step++)
        {
            var (epoch, batch) = Math.DivRem(step - 1, batches);
            var key = DrawKey.For(shuffle, DrawPurpose.Shuffle, epoch);
            var rows = Enumerable.Range(batch * dpo.Batch, Math.Min(dpo.Batch, pairs.Count - (batch * dpo.Batch)))
                .Select(position => KeyedPermutation.At(position, pairs.Count, key)).ToList();
            var dropout = new DropoutKey(dpo.Dropout, DrawKey.For(settings.Seed, DrawPurpose.Dropout, frozen.Iteration + 1, step));
            var learningRate = schedule.At(step - 1);
            using (torch.NewDisposeScope())
            {
                using var won = SequenceBatch.Of([.. rows.Select(row => chosen[row])]);
                using var lost = SequenceBatch.Of([.. rows.Select(row => rejected[row])]);
                var result = DpoLoss.Of(Side(won, chosenReference), Side(lost, rejectedReference), parameters);
                var mean = result.Losses.mean([0L]);
                mean.backward();
                if (replay is not null)
                {
                    using var judged = SequenceBatch.Of([.. replay.Batch(step).Select(row => replay[row])]);
                    SftLoss.Mean(policy.Model, judged, dropout).backward();
                }

                var gradNorm = optimizer.Step(learningRate);
                Stepped(name, step, mean, gradNorm, learningRate, won.Tokens + lost.Tokens, rows);
            }

            if (step % dpo.CheckpointEvery == 0 && step < steps)
                SaveCheckpoint(name, step, policy, optimizer);

            SideLogProbs Side(SequenceBatch side, float[] scores) => new(
                side.ResponseLogProbs(policy.Model, dropout), torch.tensor([.. rows.Select(row => scores[row])], [rows.Count]), side.ResponseLengths());
        }

        return Publish(name, policy, parent, frozen.Sha256, steps);
    }

    private TrainingSequence Sequence(ChatTemplate chat, string prompt, string answer, bool truncated) =>
        chat.Sequence(new PromptFormat(settings.Format).Answer(prompt), answer, ends: !truncated || answer.Length == 0);

    private static float[] Score(Llama reference, List<TrainingSequence> sequences)
    {
        using var off = torch.no_grad();
        return [.. sequences.Chunk(ReferenceBatch).SelectMany(chunk =>
        {
            using var scope = torch.NewDisposeScope();
            using var batch = SequenceBatch.Of(chunk);
            return batch.ResponseLogProbs(reference).data<float>().ToArray();
        })];
    }

    private LoadedModel LoadPolicy(ModelRef parent)
    {
        var policy = CheckpointFolder.Load(options.Locate(parent.Path), parent.Sha256);
        policy.Model.Parameters.RequireGradients(true);
        return policy;
    }

    private static AdamW NewOptimizer(LoadedModel policy, OptimizerSettings figures) =>
        new(policy.Model.Parameters, new AdamWParameters(figures.Beta1, figures.Beta2, figures.Epsilon, figures.WeightDecay, figures.MaxGradNorm));

    private void Stepped(string name, int step, torch.Tensor loss, double gradNorm, double learningRate, int tokens, IReadOnlyList<int> rows) =>
        work.Apply(new TrainingStepped(run, name, step, loss.item<float>(), gradNorm, learningRate, tokens, 0, null, rows, null, []), DateTimeOffset.UtcNow);

    private void SaveCheckpoint(string name, int step, LoadedModel policy, AdamW optimizer)
    {
        var root = options.Locate(Path.Combine("runs", run, "checkpoints", name));
        var folder = Path.Combine(root, $"step-{step}");
        CheckpointFolder.Save(folder, policy);
        optimizer.Save(Path.Combine(folder, "optimizer.safetensors"));
        foreach (var old in Directory.GetDirectories(root).Where(other => other != folder))
            Directory.Delete(old, recursive: true);
    }

    private ModelPublished Publish(string name, LoadedModel policy, ModelRef parent, string dataset, int steps)
    {
        var path = Path.Combine("runs", run, "models", name);
        return new ModelPublished(run, new ModelRef(name, path, CheckpointFolder.Save(options.Locate(path), policy)), parent, dataset, steps);
    }
}
