using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Lineage;

/// <summary>A model's way down to M0: what it was trained on, step by step, and the model before.</summary>
public sealed class ModelLineage(LogReader log, Ancestry ancestry)
{
    /// <summary>What the number of steps that were given up is called.</summary>
    public const string NotPublished = "steps not in the published model";

    private readonly string _run = ancestry.Start.Run;

    /// <summary>The tree of a model, or of one of its training steps.</summary>
    /// <exception cref="UserException">There is no such model or step; says what there is.</exception>
    public async Task<LineageNode> OfAsync(LineageId id, CancellationToken cancellationToken)
    {
        var models = (await log.Runs.ReadRunAsync(_run, cancellationToken)).OfType<ModelPublished>().ToDictionary(published => published.Model.Name, StringComparer.Ordinal);
        var training = ModelNames.All(ancestry.Start.Settings.Iterations).Contains(id.Model!)
            ? await log.Log.ReadAsync(await log.Runs.TrainingStreamAsync(_run, id.Model!, cancellationToken), cancellationToken)
            : [];
        if (training.Count == 0 && !models.ContainsKey(id.Model!))
            throw new UserException($"Run '{_run}' has no model {id.Model} yet, expected {(models.Count == 0 ? "none: it has published no model" : $"one of {string.Join(", ", models.Keys)}")}.");
        return id.Step is { } step ? await StepAsync(id.Model!, step, training, cancellationToken) : await ModelAsync(id.Model!, models, training, cancellationToken);
    }

    /// <summary>A pair's own rewards.</summary>
    public static IEnumerable<(string Name, object? Value)> Figures(PairReward reward) =>
        [("chosen reward", reward.Chosen), ("rejected reward", reward.Rejected), ("margin", reward.Chosen - reward.Rejected)];

    /// <summary>A step with its figures: means over its batch, as TRL logs them.</summary>
    /// <param name="run">The run that is asked about.</param>
    /// <param name="step">The step.</param>
    /// <param name="compared">How its training's checkpoints did: a step that was given up says so.</param>
    /// <param name="children">What hangs under it.</param>
    public static LineageNode Step(string run, TrainingStepped step, IReadOnlyList<CheckpointCompared> compared, params IEnumerable<LineageNode> children) => LineageNode.Of(
        "step", $"{run}/{step.Model}/step/{step.Step}", null,
        [
            ("examples", step.Examples.Count), ("loss", step.Loss), ("gradient norm", step.GradNorm), ("learning rate", step.LearningRate.ToString("0.###e0", System.Globalization.CultureInfo.InvariantCulture)),
            ("rewards/chosen", step.Preference?.RewardsChosen), ("rewards/rejected", step.Preference?.RewardsRejected), ("rewards/margins", step.Preference?.RewardsMargins),
            ("rewards/accuracies", step.Preference?.RewardsAccuracies), ("replay loss", step.ReplayLoss), ("in the published model", EarlyStoppingRule.IsGivenUp(step.Step, compared) ? "no" : null),
        ],
        children);

    /// <summary>How a training's checkpoints did, by step.</summary>
    public static IReadOnlyList<CheckpointCompared> Compared(IReadOnlyList<object> training) => [.. training.OfType<CheckpointCompared>()];

    /// <summary>The steps of a training that were given up, and those that its model comes from.</summary>
    public static (IReadOnlyList<TrainingStepped> GivenUp, IReadOnlyList<TrainingStepped> Learnt) Split(IReadOnlyList<object> training, IReadOnlyList<CheckpointCompared> compared)
    {
        var steps = training.OfType<TrainingStepped>().ToLookup(step => EarlyStoppingRule.IsGivenUp(step.Step, compared));
        return ([.. steps[true]], [.. steps[false]]);
    }

    private async Task<LineageNode> StepAsync(string model, int number, IReadOnlyList<object> training, CancellationToken cancellationToken)
    {
        var steps = training.OfType<TrainingStepped>().ToList();
        var step = steps.Find(step => step.Step == number)
            ?? throw new UserException($"{model} of run '{_run}' has no step {number}, expected 1 to {steps.Count}.");
        var pairs = ModelNames.Iteration(model) is > 1 and var made ? await PairsAsync(made - 1, step, cancellationToken) : [];
        return Step(_run, step, Compared(training), [.. pairs, .. await ShownAsync(model, step, cancellationToken)]);
    }

    // The seed's examples: what SFT is trained on, and what preference training shows again.
    private async Task<IEnumerable<LineageNode>> ShownAsync(string model, TrainingStepped step, CancellationToken cancellationToken)
    {
        var iteration = ModelNames.Iteration(model) - 1;
        var rows = iteration is > 0 ? step.Replayed ?? [] : step.Examples;
        if (rows.Count == 0)
            return [];
        var (examples, why) = await SeedExamples.OpenAsync(log, ancestry, cancellationToken);
        try
        {
            if (examples is not null && iteration is > 0 && await examples.Training.ReplayAsync(examples.Judged, iteration.Value, cancellationToken) is { } replay)
                return rows.Select(row => examples.Node("judging example shown again", "eft", replay.ExampleOf(row)));
            if (examples is not null && iteration is not > 0)
            {
                var mixture = await examples.MixtureAsync(model, cancellationToken);
                return rows.Select(row => mixture.ExampleOf(row)).Select(example => examples.Node(null, example.Set, example.Index));
            }
        }
        catch (CheckpointException e)
        {
            why = e.Message;
        }

        return [LineageNode.Of("rows of the seed data", null, string.Join(" ", rows), [("texts", $"not known: {why}")])];
    }

    private async Task<LineageNode> ModelAsync(
        string name, Dictionary<string, ModelPublished> models, IReadOnlyList<object> training, CancellationToken cancellationToken)
    {
        var published = models.GetValueOrDefault(name);
        var (plan, frozen) = (training.OfType<TrainingStarted>().FirstOrDefault(), training.OfType<DatasetFrozen>().FirstOrDefault());
        var (owner, compared) = (ancestry.OwnerOf(name), Compared(training));
        var (givenUp, steps) = Split(training, compared);
        List<LineageNode> children = [];
        if (frozen is not null)
            children.Add(LineageNode.Of("trained on", null, null, [("pairs", frozen.Pairs), ("judging pairs", frozen.Statistics.Judging?.Pairs), ("dataset", frozen.Sha256)], await PairsAsync(frozen.Iteration, null, cancellationToken)));
        else if (plan is not null)
            children.Add(LineageNode.Of("trained on", null, null, [("examples", plan.Examples), ("too long", plan.TooLong), ("dataset", plan.DatasetSha256)], await SeedSetsAsync(name, cancellationToken)));
        if (steps.Count > 0)
            children.Add(LineageNode.Of("training", null, null, [("recipe", plan?.Recipe), ("steps", steps.Count), (NotPublished, givenUp.Count > 0 ? givenUp.Count : null)], Step(_run, steps[0], compared), Step(_run, steps[^1], compared)));
        if (Stopping(compared, plan) is { } stopping)
            children.Add(stopping);
        if ((published?.Parent ?? plan?.Parent)?.Name is { } parent)
            children.Add(LineageNode.Of("comes from", $"{_run}/{parent}", null, [("model", models[parent].Model.Sha256), ("that from", models[parent].Parent?.Name)]));
        children.AddRange(models.Values.Where(model => model.Parent?.Name == name).Select(model => LineageNode.Of("led to", $"{_run}/{model.Model.Name}", null, [("model", model.Model.Sha256)])));
        return LineageNode.Of("model", $"{_run}/{name}", null, [("model", published?.Model.Sha256), ("in", published?.Model.Path), ("shared with", owner == _run ? null : owner)], children);
    }

    // Why training ended where it did: each checkpoint against the one before.
    private static LineageNode? Stopping(IReadOnlyList<CheckpointCompared> compared, TrainingStarted? plan) => compared.Count == 0 ? null : LineageNode.Of(
        "checkpoints compared", null, null,
        [
            ("prompts", compared[0].Answers.Count), ("judged by", compared[0].Server is { } server ? string.Join(", ", server.Models) : compared[0].Judge.Name),
            ("stopped at step", compared[^1].Stops ? compared[^1].Step : null), ("of", compared[^1].Stops ? plan?.Steps : null), ("published step", EarlyStoppingRule.Published(compared)?.Step),
        ],
        compared.Where(one => one.Against is not null).Select(one => LineageNode.Of(
            "checkpoint", null, null, [("step", one.Step), ("against", one.Against), ("won", one.Wins), ("tied", one.Ties), ("lost", one.Losses), ("so training", one.Stops ? "stopped" : "went on")])));

    private async Task<IEnumerable<LineageNode>> SeedSetsAsync(string model, CancellationToken cancellationToken)
    {
        var judging = model == ModelNames.Baseline ? null : await log.Log.FindAsync(await log.Runs.EftStreamAsync(_run, cancellationToken), 1, cancellationToken) as EftBuilt;
        return ancestry.Root.Seeds.Where(seed => seed.Kind is "ift" or "drafts" || (seed.Kind is "eft" or "ranked" && model != ModelNames.Baseline)).Select(seed => LineageNode.Of(
            "seed data", null, null,
            [("set", seed.Kind), ("from", seed.Path), ("examples", seed.Examples), ("hash", seed.Sha256),
                ("judging examples made", seed.Kind == "ranked" ? judging?.Accepted : null), ("thinned out", seed.Kind == "ranked" ? judging?.Thinned : null)]));
    }

    // All pairs of an iteration, or those of a step with what each was worth before it.
    private async Task<IReadOnlyList<LineageNode>> PairsAsync(int iteration, TrainingStepped? step, CancellationToken cancellationToken)
    {
        var pairs = new List<LineageNode>();
        await foreach (var history in log.Runs.ReadIterationAsync(_run, iteration, cancellationToken))
        {
            foreach (var pair in CanonicalPair.AllOf(history.Outcome).Where(pair => step is null || PairRewards.Saw(step, pair.Ordinal, pair.IsJudging)))
            {
                var (id, reward) = ($"{_run}/{iteration}/{pair.Ordinal}", step is null ? null : PairRewards.At(step, pair.Ordinal, pair.IsJudging));
                IEnumerable<(string, object?)> worth = reward is null ? [] : Figures(reward);
                pairs.Add(pair.Response is { } judged
                    ? LineageNode.Of(
                        "judging pair", $"{id}/judging", $"{pair.Prompt}\n= {judged}\n+ {pair.Chosen}\n- {pair.Rejected}",
                        [("chosen strength", pair.ScoreChosen), ("rejected strength", pair.ScoreRejected), .. worth])
                    : LineageNode.Of(
                        "pair", id, $"{pair.Prompt}\n+ {pair.Chosen}\n- {pair.Rejected}", [("chosen score", pair.ScoreChosen), ("rejected score", pair.ScoreRejected), .. worth]));
            }
        }

        return pairs;
    }
}
