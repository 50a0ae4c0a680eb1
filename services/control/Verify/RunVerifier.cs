using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Evaluator;
using SelfRewarding.Hosting;
using SelfRewarding.Model;
using SelfRewarding.PairBuilder;
using SelfRewarding.PromptGen;

namespace SelfRewarding.Control.Verify;

/// <summary>Goes through one run, with what it shares with others, an iteration at a time, and hands each part to its checks.</summary>
public sealed class RunVerifier(LogReader log, Ancestry ancestry, SeedData seed, VerifyReport report)
{
    private readonly string _run = ancestry.Start.Run;
    private readonly List<string> _accepted = [];

    /// <summary>Checks everything that is there.</summary>
    /// <returns>What is not there yet, in words; empty for a run that is finished.</returns>
    public async Task<string> CheckAsync(CancellationToken cancellationToken)
    {
        var facts = await log.Runs.ReadRunAsync(_run, cancellationToken);
        var models = facts.OfType<ModelPublished>().ToDictionary(published => published.Model.Name, StringComparer.Ordinal);
        var end = facts.SingleOrDefault(fact => fact is RunCompleted or RunStopped);
        var missing = new List<string>();
        await CheckStreamsAsync(cancellationToken);
        report.Same("models come in their order", $"run {_run}", models.Values.Select(model => model.Model.Name), ModelNames.All(ancestry.Start.Settings.Iterations).Take(models.Count));
        foreach (var name in ModelNames.All(ancestry.Start.Settings.Iterations))
        {
            var published = models.GetValueOrDefault(name);
            if (published is null && end is null)
                missing.Add(name);
            if (published is not null)
                await CheckModelAsync(published, cancellationToken);
            var iteration = ModelNames.Iteration(name) - 1;
            var ordinals = iteration is > 0 && models.ContainsKey(ModelNames.OfIteration(iteration.Value)) ? await CheckIterationAsync(iteration.Value, name, cancellationToken) : null;
            await CheckTrainingAsync(name, published, models, ordinals, cancellationToken);
        }

        return end is null ? $"the run is not finished: {string.Join(", ", missing)} not published" : "";
    }

    private async Task CheckStreamsAsync(CancellationToken cancellationToken)
    {
        var streams = new StreamChecks(report, log.Store);
        foreach (var prefix in (string[])[StreamNames.Run(_run), $"prompt-{_run}-", $"training-{_run}-", $"evaluation-{_run}-", StreamNames.Eft(_run)])
            await streams.CheckAsync(prefix, stream => stream != prefix || StreamNames.MayBelongTo(stream, _run), cancellationToken);
    }

    private async Task CheckModelAsync(ModelPublished published, CancellationToken cancellationToken)
    {
        var (model, folder) = (published.Model, Path.Combine(log.Folder, published.Model.Path));
        report.Same("model files hash to what is recorded", $"model {_run}/{model.Name} ({folder})", model.Sha256, HashOf(folder));
        var stream = await log.Runs.EvaluationStreamAsync(_run, model.Name, cancellationToken);
        var facts = await log.Log.ReadAsync(stream, cancellationToken);
        if (facts is not [HeldOutAnswered answered, HeldOutJudged judged, ModelEvaluated evaluated])
            return;
        var opponents = new List<HeldOutAnswered>();
        HeldOutJudged? before = null;
        foreach (var (index, name) in EvaluatorService.Opponents(model.Name).Index())
        {
            var opponent = await log.Log.ReadAsync(await log.Runs.EvaluationStreamAsync(_run, name, cancellationToken), cancellationToken);
            opponents.AddRange(opponent.OfType<HeldOutAnswered>());
            before = index == 0 ? opponent.OfType<HeldOutJudged>().FirstOrDefault() : before;
        }

        report.Same("figures follow from answers and judgements", $"evaluation of {_run}/{model.Name}", evaluated, ModelReport.Of(answered, judged, opponents, before, seed));
    }

    /// <returns>The prompts that made a pair.</returns>
    private async Task<IReadOnlyCollection<int>> CheckIterationAsync(int iteration, string model, CancellationToken cancellationToken)
    {
        var (drafting, judging, settling) = (ancestry.SettingsOf(iteration, PromptStage.Generated), ancestry.SettingsOf(iteration, PromptStage.Judged), ancestry.SettingsOf(iteration, PromptStage.Settled));
        var filters = drafting.Prompts.Source == "model" ? new FilterChecks(report, Pool(drafting)) : null;
        var tally = new IterationTally();
        var (block, first, ordinal) = (new List<PromptHistory>(), 0, 0);
        await foreach (var history in log.Runs.ReadIterationAsync(_run, iteration, cancellationToken))
        {
            PromptChecks.Check(report, $"prompt {_run}/{iteration}/{ordinal}", history, judging, settling);
            foreach (var fact in (object?[])[history.Sampled, history.Judged, history.Outcome])
                tally.Apply(fact ?? new object());
            block.Add(history);
            ordinal++;
            if (block.Count == PromptGenService.Block)
                Close();
        }

        Close();
        var frozen = (await log.Log.ReadAsync(await log.Runs.TrainingStreamAsync(_run, model, cancellationToken), cancellationToken)).OfType<DatasetFrozen>().FirstOrDefault();
        if (frozen is not null)
        {
            report.Same("datasets hash to what was frozen", $"dataset of {_run}/{model}", frozen.Sha256, CanonicalDataset.Sha256(tally.Pairs));
            report.Same("statistics follow from the prompts", $"dataset of {_run}/{model}", new { frozen.Pairs, frozen.Statistics }, new { Pairs = tally.Pairs.Count, Statistics = tally.Statistics() });
        }

        return [.. tally.Pairs.Select(pair => pair.Ordinal)];

        void Close()
        {
            // A block that is not whole yet was decided by nobody.
            if (filters is not null && block.Count > 0 && block.TrueForAll(history => history.Version > 0))
                filters.Check(_run, iteration, first, block);
            _accepted.AddRange(block.Select(history => history.Generated?.Prompt).OfType<string>());
            first += block.Count;
            block.Clear();
        }
    }

    private async Task CheckTrainingAsync(
        string name, ModelPublished? published, Dictionary<string, ModelPublished> models, IReadOnlyCollection<int>? ordinals, CancellationToken cancellationToken)
    {
        var facts = await log.Log.ReadAsync(await log.Runs.TrainingStreamAsync(_run, name, cancellationToken), cancellationToken);
        if (facts.Count == 0)
            return;
        var parent = ModelNames.Iteration(name) is { } n and > 1 ? ModelNames.OfIteration(n - 1) : ModelNames.Base;
        TrainingChecks.Check(report, $"training of {_run}/{name}", facts, published, models.GetValueOrDefault(parent)?.Model, ordinals);
    }

    private PromptPool Pool(RunSettings settings)
    {
        var pool = new PromptPool(settings.Prompts.Filters, seed.SeedPrompts, heldOut: [.. seed.HeldOutPrompts.Select(prompt => prompt.Prompt), .. seed.HeldOutRanked.Select(prompt => prompt.Prompt)]);
        _accepted.ForEach(pool.Accept);
        return pool;
    }

    private static string HashOf(string folder)
    {
        try
        {
            return CheckpointFolder.Sha256(folder);
        }
        catch (CheckpointException e)
        {
            return e.Message;
        }
    }
}
