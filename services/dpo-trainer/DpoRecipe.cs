using System.Diagnostics;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// Direct preference optimisation: M(t+1) starts from M(t), which is also the reference, and sees exactly the pairs that were frozen, those of
/// judgements among those of answers, beside judging examples of the seed where replay is on.
/// </summary>
public sealed class DpoRecipe(RunLog runLog, FactLog log, RunData data, EftBuilder eftBuilder, CheckpointAnswers answers, WorkerOptions options, TimeProvider time)
{
    /// <summary>Trains the model, or goes on from its last checkpoint.</summary>
    public async Task<ModelPublished> TrainAsync(
        DatasetFrozen frozen, ModelRef parent, ModelRef baseline, RunSettings settings, CancellationToken cancellationToken)
    {
        var (run, name, dpo) = (frozen.Run, frozen.Model, settings.Dpo);

        // Data: the pairs in the log, held to the hash that they were frozen with.
        var (config, chat) = CheckpointFolder.LoadTokenizer(options.Locate(parent.Path));
        var context = config.MaxPositionEmbeddings;
        var pairs = await FrozenPairs.LoadAsync(runLog, frozen, settings, chat, context, options, cancellationToken);
        var seed = await data.OfAsync(run, cancellationToken);
        var judged = await eftBuilder.JudgedAsync(run, seed, baseline, settings, cancellationToken);
        var replay = JudgingReplay.Of(judged, settings, frozen.Iteration, chat, context);

        if (pairs.Count == 0)
            throw new InvalidDataException($"None of the {pairs.TooLong} pairs of iteration {frozen.Iteration} fits into the model's context of {context} tokens: there is nothing to train {name} on.");
        var steps = dpo.Epochs * pairs.BatchesPerEpoch(dpo.Batch);
        var validation = ValidationPrompts.Of(seed, settings);
        if (EarlyStoppingRule.Steps(dpo.EarlyStopping, steps, validation.Count).Any())
            answers.Check(settings);
        var reference = ReferenceLogProbs.Of(pairs, run, name, parent, settings, options); // log π_ref: (pairs) each side, worked out once

        // Plan: recorded before the first step, found again after a crash.
        using var job = await TrainingRun.OpenAsync(log, options, run, name, parent, dpo.Optimizer, settings, time, cancellationToken);
        var policy = job.Policy.Model;
        await job.StartAsync(new TrainingStarted(run, name, "dpo", parent, frozen.Sha256, pairs.Count, pairs.TooLong, steps), cancellationToken);
        var schedule = Schedule(dpo, steps);
        var parameters = new DpoParameters(dpo.Loss, dpo.Beta, dpo.LabelSmoothing, dpo.RpoAlpha, dpo.SimpoGamma);
        var gradients = new BatchGradients(policy, settings.Train.MicroBatch, settings.Train.CheckpointActivations);
        var stopping = new EarlyStopping(job, answers, run, parent, validation, steps, frozen.Iteration, settings);
        await stopping.AfterAsync(job.CompletedSteps, cancellationToken); // a comparison that a crash cut short

        for (var step = job.CompletedSteps + 1; step <= stopping.LastStep; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            var rows = pairs.Batch(step, dpo.Batch);
            var dropout = new DropoutKey(dpo.Dropout, DrawKey.For(settings.Seed, DrawPurpose.Dropout, frozen.Iteration + 1, step));
            var learningRate = schedule.At(step - 1);
            var batch = rows.Select(row => new PreferenceExample(pairs[row].Chosen, pairs[row].Rejected, reference.Chosen[row], reference.Rejected[row])).ToList();

            // Δ = (log π(y_w|x) − log π(y_l|x)) − (log π_ref(y_w|x) − log π_ref(y_l|x));  loss = −log σ(βΔ) + α · NLL(y_w)/|y_w|
            var outcome = gradients.Preference(batch, parameters, dropout);
            var replayed = replay?.Batch(step) ?? [];
            var shown = replayed.Select(row => replay![row]).ToList();
            double? replayLoss = replay is null ? null : gradients.Supervised(shown, dropout); // gradients add up: the step minimises the sum
            var gradNorm = await job.UpdateAsync(learningRate, cancellationToken);
            var tokens = batch.Sum(pair => pair.Chosen.Length + pair.Rejected.Length) + shown.Sum(sequence => sequence.Length);
            var rewards = PairRewards.Of(outcome);
            var metrics = PairRewards.Means(rewards, outcome.ChosenLogProbs.Average(), outcome.RejectedLogProbs.Average());

            await job.StepAsync(
                new TrainingStepped(run, name, step, outcome.Loss, gradNorm, learningRate, tokens, clock.Elapsed.TotalSeconds, metrics, [.. rows.Select(row => pairs[row].Ordinal)],
                    replayLoss, replayed, rewards, pairs.JudgingIn(rows)),
                cancellationToken);
            if ((step % dpo.CheckpointEvery == 0 && step < steps) || stopping.IsDue(step))
                await job.CheckpointAsync(step, cancellationToken);
            await stopping.AfterAsync(step, cancellationToken);
        }

        return new ModelPublished(run, await stopping.PublishAsync(cancellationToken), parent, frozen.Sha256, stopping.PublishedStep);
    }

    /// <summary>The learning rate of each step.</summary>
    public static LearningRateSchedule Schedule(DpoSettings dpo, int steps) =>
        new(LearningRateDecay.Cosine, dpo.LearningRate, dpo.FinalLearningRate, dpo.WarmupSteps, steps);
}
