using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Verify;

/// <summary>A training against its data, made again: the plan, and what each step showed.</summary>
/// <param name="report">Takes the findings.</param>
/// <param name="data">Makes the data again.</param>
/// <param name="ancestry">Says by which settings a model was made.</param>
/// <param name="seed">The run's seed data; null where they are not there any more.</param>
/// <param name="judged">Its judging examples; null where that cannot be said.</param>
public sealed class TrainingVerifier(VerifyReport report, TrainingData data, Ancestry ancestry, SeedData? seed, IReadOnlyList<JudgedExample>? judged)
{
    private const string PlanCheck = "training data and steps are those of the plan";

    /// <summary>Checks a model's training, as far as it has come.</summary>
    /// <param name="model">The model in the making.</param>
    /// <param name="subject">Its training, as a person names it.</param>
    /// <param name="facts">Its training stream.</param>
    /// <param name="pairs">The pairs that it is trained on; null where it is trained on the seed.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async Task CheckAsync(string model, string subject, IReadOnlyList<object> facts, IReadOnlyList<FrozenPair>? pairs, CancellationToken cancellationToken)
    {
        if (facts.OfType<TrainingStarted>().FirstOrDefault() is not { } plan)
            return;
        var settings = ancestry.SettingsOf(model);
        var steps = new StepChecks(report, subject, [.. facts.OfType<TrainingStepped>().Where(step => step.Step >= 1 && step.Step <= plan.Steps)]);
        try
        {
            if (pairs is not null)
                await CheckPreferenceAsync(ModelNames.Iteration(model)!.Value - 1, settings.Dpo, subject, plan, steps, pairs, cancellationToken);
            else
                await CheckSupervisedAsync(model, settings.Sft, subject, plan, steps, cancellationToken);
        }
        catch (Exception e) when (e is CheckpointException or DataFileException)
        {
            report.NotChecked($"which examples the steps of {model} showed", e.Message);
        }

        if (pairs is not null)
            ComparisonChecks.Check(report, subject, plan, [.. facts.OfType<CheckpointCompared>()], facts.OfType<TrainingStepped>().Count(), seed, settings);
        steps.CheckRates(pairs is not null ? DpoRecipe.Schedule(settings.Dpo, plan.Steps) : SftRecipe.Schedule(settings.Sft, plan.Steps));
        steps.CheckRewards();
    }

    private async Task CheckSupervisedAsync(string model, SftSettings sft, string subject, TrainingStarted plan, StepChecks steps, CancellationToken cancellationToken)
    {
        var baseline = model == ModelNames.Baseline;
        if (seed is null || (judged is null && !baseline))
            return; // said in the report already
        var mixture = await data.MixtureAsync(seed, judged ?? [], model, cancellationToken);
        report.Same(
            PlanCheck, subject, new { plan.DatasetSha256, plan.Examples, plan.TooLong, plan.Steps },
            new { DatasetSha256 = mixture.Sha256, mixture.Examples, mixture.TooLong, Steps = SftRecipe.Steps(sft, baseline) });
        steps.CheckExamples(step => mixture.Batch(step, sft.Batch));
        steps.CheckReplayed(_ => []);
    }

    private async Task CheckPreferenceAsync(
        int iteration, DpoSettings dpo, string subject, TrainingStarted plan, StepChecks steps, IReadOnlyList<FrozenPair> pairs, CancellationToken cancellationToken)
    {
        var shown = await data.PairsAsync(pairs, iteration, cancellationToken);
        report.Same(
            PlanCheck, subject, new { plan.Examples, plan.TooLong, plan.Steps },
            new { Examples = shown.Count, shown.TooLong, Steps = dpo.Epochs * shown.BatchesPerEpoch(dpo.Batch) });
        if (shown.Count == 0)
            return;
        steps.CheckExamples(step => [.. shown.Batch(step, dpo.Batch).Select(row => shown[row].Ordinal)]);
        steps.CheckJudging(step => shown.JudgingIn(shown.Batch(step, dpo.Batch)));
        if (dpo.ReplayJudged > 0 && judged is null)
            return;
        var replay = await data.ReplayAsync(judged ?? [], iteration, cancellationToken);
        steps.CheckReplayed(step => replay?.Batch(step) ?? []);
    }
}
