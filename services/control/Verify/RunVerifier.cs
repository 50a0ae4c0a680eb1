using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Evaluator;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Verify;

/// <summary>Goes through one run, with what it shares with others, a model at a time, and hands each part to its checks.</summary>
/// <param name="runs">The log as the run has it.</param>
/// <param name="log">The log.</param>
/// <param name="store">Its events.</param>
/// <param name="options">Where models and checkpoints lie.</param>
/// <param name="ancestry">The run.</param>
/// <param name="seed">Its seed data; null where they are not there any more, which is in the report then.</param>
/// <param name="report">Takes the findings.</param>
public sealed class RunVerifier(RunLog runs, FactLog log, IEventStore store, WorkerOptions options, Ancestry ancestry, SeedData? seed, VerifyReport report)
{
    /// <summary>The check that what came to an end has all that it must have come through.</summary>
    internal const string EveryStage = "every stage is there";

    private readonly string _run = ancestry.Start.Run;
    private readonly TrainingData _data = new(runs, log, ancestry, options);

    /// <summary>Checks everything that is there.</summary>
    /// <returns>What is not there yet, in words; empty for a run that is finished.</returns>
    public async Task<string> CheckAsync(CancellationToken cancellationToken)
    {
        var facts = await runs.ReadRunAsync(_run, cancellationToken);
        var models = facts.OfType<ModelPublished>().ToDictionary(published => published.Model.Name, StringComparer.Ordinal);
        var end = facts.SingleOrDefault(fact => fact is RunCompleted or RunStopped);
        var missing = new List<string>();
        var streams = new StreamChecks(report, store, log.Versions);
        await CheckStreamsAsync(streams, cancellationToken);
        report.Same("models come in their order", $"run {_run}", models.Values.Select(model => model.Model.Name), ModelNames.All(ancestry.Start.Settings.Iterations).Take(models.Count));
        var iterations = new IterationChecks(report, runs, log, ancestry, seed);
        var trainings = new TrainingVerifier(report, _data, ancestry, seed, await JudgedAsync(cancellationToken));
        foreach (var name in ModelNames.All(ancestry.Start.Settings.Iterations))
        {
            var published = models.GetValueOrDefault(name);
            if (published is null && end is null)
                missing.Add(name);
            if (published is not null)
                await CheckModelAsync(published, isCompleted: end is RunCompleted, cancellationToken);
            var iteration = ModelNames.Iteration(name) - 1;
            var pairs = iteration is > 0 && models.ContainsKey(ModelNames.OfIteration(iteration.Value)) ? await iterations.CheckAsync(iteration.Value, name, isTrained: published is not null, cancellationToken) : null;
            await CheckTrainingAsync(name, published, models, pairs, trainings, cancellationToken);
        }

        streams.ReportContents();
        return end is null ? $"the run is not finished: {string.Join(", ", missing)} not published" : "";
    }

    private async Task CheckStreamsAsync(StreamChecks streams, CancellationToken cancellationToken)
    {
        foreach (var prefix in StreamNames.Prefixes(_run))
            await streams.CheckAsync(prefix, stream => StreamNames.RunOf(stream) == _run, cancellationToken);
    }

    /// <returns>The judging examples of the seed; null where they cannot be told.</returns>
    private async Task<IReadOnlyList<JudgedExample>?> JudgedAsync(CancellationToken cancellationToken)
    {
        if (seed is not { EftRanked.Count: > 0 })
            return seed?.EftJudged;
        if (await _data.VerdictsAsync(cancellationToken) is not { } built)
            return [];
        var judged = EftChecks.Check(report, ancestry.Root.Run, built, seed.EftRanked, ancestry.Root.Settings.Judge);
        if (judged is null)
            report.NotChecked("which judging examples the steps showed", "the judgements of the seed's ranked answers are not those that they have to be");
        return judged;
    }

    private async Task CheckModelAsync(ModelPublished published, bool isCompleted, CancellationToken cancellationToken)
    {
        var model = published.Model;
        WeightChecks.CheckModel(report, $"{_run}/{model.Name}", model, options.Data);
        if (published.Parent is { } parent && ancestry.SettingsOf(model.Name).Lora.Figures() is { } lora)
            WeightChecks.CheckAdapter(report, $"{_run}/{model.Name}", model, parent, lora, options.Data);
        var facts = await log.ReadAsync(await runs.EvaluationStreamAsync(_run, model.Name, cancellationToken), cancellationToken);
        if (facts is not [HeldOutAnswered answered, HeldOutJudged judged, ModelEvaluated evaluated])
        {
            report.Holds(EveryStage, $"evaluation of {_run}/{model.Name}", !isCompleted, $"{facts.Count} of its 3 facts", "all of them, since the run is finished");
            return;
        }

        var (subject, judging) = ($"evaluation of {_run}/{model.Name}", ancestry.SettingsOf(model.Name).Judge);
        foreach (var (prompt, judgements) in judged.Judgements.Select(item => (item.Prompt, item.Judgements)).Concat(judged.Answers.Select(item => (item.Prompt, item.Judgements))))
        {
            foreach (var judgement in judgements)
                PromptChecks.Reparsed(report, $"{subject}, prompt {prompt}", judgement, judging);
        }

        if (seed is null)
            return;
        var opponents = new List<HeldOutAnswered>();
        HeldOutJudged? before = null;
        foreach (var (index, name) in EvaluatorService.Opponents(model.Name).Index())
        {
            var opponent = await log.ReadAsync(await runs.EvaluationStreamAsync(_run, name, cancellationToken), cancellationToken);
            opponents.AddRange(opponent.OfType<HeldOutAnswered>());
            before = index == 0 ? opponent.OfType<HeldOutJudged>().FirstOrDefault() : before;
        }

        report.Same("figures follow from answers and judgements", subject, evaluated, ModelReport.Of(answered, judged, opponents, before, seed));
    }

    private async Task CheckTrainingAsync(
        string name, ModelPublished? published, Dictionary<string, ModelPublished> models, IReadOnlyList<FrozenPair>? pairs, TrainingVerifier trainings,
        CancellationToken cancellationToken)
    {
        var facts = await log.ReadAsync(await runs.TrainingStreamAsync(_run, name, cancellationToken), cancellationToken);
        if (facts.Count == 0)
        {
            report.Holds(EveryStage, $"training of {_run}/{name}", published is null || name == ModelNames.Base, "no fact of it", "at least its plan, since the model is published");
            return;
        }

        var (subject, parent) = ($"training of {_run}/{name}", ModelNames.Iteration(name) is { } n and > 1 ? ModelNames.OfIteration(n - 1) : ModelNames.Base);
        await trainings.CheckAsync(name, subject, facts, pairs, cancellationToken);
        TrainingChecks.Check(report, subject, facts, published, models.GetValueOrDefault(parent)?.Model, pairs?.Select(pair => pair.Pair.Place).ToList());
        var compared = facts.OfType<CheckpointCompared>().ToList();
        if (published is not null && EarlyStoppingRule.Published(compared) is { } kept)
            report.Same("the checkpoint that won is published", subject, published.Model.Sha256, kept.Sha256);
        await WeightChecks.CheckCheckpointsAsync(report, $"{_run}/{name}", [.. facts.OfType<CheckpointSaved>()], options.Data, published is not null, cancellationToken);
        if (published is null)
            WeightChecks.CheckKept(report, $"{_run}/{name}", compared, options.Data);
    }
}
