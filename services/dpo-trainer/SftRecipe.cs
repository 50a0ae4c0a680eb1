using System.Diagnostics;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// Supervised fine-tuning from M0: the SFT baseline on demonstrations alone, M1 on demonstrations and judged answers. Loss on the response's
/// tokens only.
/// </summary>
public sealed class SftRecipe(FactLog log, RunData data, EftBuilder eftBuilder, WorkerOptions options)
{
    /// <summary>Trains the model, or goes on from its last checkpoint.</summary>
    public async Task<ModelPublished> TrainAsync(
        string run, string name, ModelRef parent, ModelRef? baseline, RunSettings settings, CancellationToken cancellationToken)
    {
        var isBaseline = name == ModelNames.Baseline;
        var sft = settings.Sft;
        var steps = Steps(sft, isBaseline);

        // Data: demonstrations, judged answers and drafts, each a (prompt, response) in the run's format.
        var seed = await data.OfAsync(run, cancellationToken);
        var judged = isBaseline ? [] : await eftBuilder.JudgedAsync(run, seed, baseline!, settings, cancellationToken);
        using var job = await TrainingRun.OpenAsync(log, options, run, name, parent, sft.Optimizer, settings, cancellationToken);
        var policy = job.Policy.Model;
        var mixture = SftMixture.Of(seed, judged, isBaseline, settings, job.Policy.Chat, policy.Config.MaxPositionEmbeddings);

        // Plan: recorded before the first step, found again after a crash.
        await job.StartAsync(new TrainingStarted(run, name, "sft", parent, mixture.Sha256, mixture.Examples, mixture.TooLong, steps), cancellationToken);
        var schedule = Schedule(sft, steps);
        var gradients = new BatchGradients(policy, settings.Train.MicroBatch, settings.Train.CheckpointActivations);

        for (var step = job.CompletedSteps + 1; step <= steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var clock = Stopwatch.StartNew();
            var rows = mixture.Batch(step, sft.Batch);
            var batch = rows.Select(row => mixture[row]).ToList();
            var dropout = new DropoutKey(sft.Dropout, DrawKey.For(settings.Seed, DrawPurpose.Dropout, isBaseline ? 0 : 1, step));
            var learningRate = schedule.At(step - 1);
            var loss = gradients.Supervised(batch, dropout); // −Σ log p(response) / Σ response tokens
            var gradNorm = job.Optimizer.Step(learningRate);
            var tokens = batch.Sum(sequence => sequence.Length);

            await job.StepAsync(
                new TrainingStepped(run, name, step, loss, gradNorm, learningRate, tokens, clock.Elapsed.TotalSeconds, null, rows, null, []), cancellationToken);
            if (step % sft.CheckpointEvery == 0 && step < steps)
                await job.CheckpointAsync(step, cancellationToken);
        }

        return new ModelPublished(run, await job.PublishAsync(cancellationToken), parent, mixture.Sha256, steps);
    }

    /// <summary>Optimiser steps of the baseline or of M1.</summary>
    public static int Steps(SftSettings sft, bool baseline) => baseline ? sft.BaselineSteps : sft.Steps;

    /// <summary>The learning rate of each step.</summary>
    public static LearningRateSchedule Schedule(SftSettings sft, int steps) =>
        new(LearningRateDecay.Cosine, sft.LearningRate, sft.FinalLearningRate, sft.WarmupSteps, steps);
}
