using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Lineage;

/// <summary>The way from the seed on: which prompts were drafted after an example, and which training steps showed it.</summary>
public sealed class SeedLineage(LogReader log, Ancestry ancestry)
{
    private readonly string _run = ancestry.Start.Run;

    /// <summary>The tree of an example.</summary>
    /// <exception cref="UserException">There is no such example; says what there is.</exception>
    public async Task<LineageNode> OfAsync(LineageId id, CancellationToken cancellationToken)
    {
        var (set, index) = (id.Set!, id.Example!.Value);
        var (opened, why) = await SeedExamples.OpenAsync(log, ancestry, cancellationToken);
        var examples = opened ?? throw new UserException(why);
        var count = examples.Count(set);
        if (index >= count)
            throw new UserException($"The seed of run '{_run}' has no {set}/{index}, expected {(count == 0 ? $"none: it has no '{set}'" : $"{set}/0 to {set}/{count - 1}")}.");
        IEnumerable<LineageNode> children = set switch
        {
            "seed" => [.. Demonstrations(examples, index), .. await DraftedAsync(examples.Data.SeedPrompts[index], cancellationToken)],
            "ift" => [.. Prompts(examples, examples.Data.Ift[index].Prompt), .. await TrainedAsync(examples, new SeedExample(set, index), cancellationToken)],
            "eft" => [.. await OriginAsync(examples, index, cancellationToken), .. await TrainedAsync(examples, new SeedExample(set, index), cancellationToken)],
            "drafts" => await TrainedAsync(examples, new SeedExample(set, index), cancellationToken),
            _ => await VerdictAsync(examples, index, null, cancellationToken),
        };
        return examples.Node(null, set, index, children);
    }

    private static IEnumerable<LineageNode> Demonstrations(SeedExamples examples, int seed) =>
        examples.Data.Ift.Index().Where(entry => entry.Item.Prompt == examples.Data.SeedPrompts[seed]).Select(entry => examples.Node(null, "ift", entry.Index));

    private static IEnumerable<LineageNode> Prompts(SeedExamples examples, string prompt) => examples.Shot("seed prompt", prompt) is { } node ? [node] : [];

    // Prompts that were accepted; a refused draft's examples are not recorded.
    private async Task<IEnumerable<LineageNode>> DraftedAsync(string prompt, CancellationToken cancellationToken)
    {
        var drafted = new List<LineageNode>();
        for (var iteration = 1; iteration <= ancestry.Start.Settings.Iterations; iteration++)
        {
            await foreach (var history in log.Runs.ReadIterationAsync(_run, iteration, cancellationToken))
            {
                if (history.Generated is { } generated && generated.Examples.Contains(prompt))
                    drafted.Add(LineageNode.Of("led to the prompt", $"{_run}/{iteration}/{generated.Ordinal}", generated.Prompt, [("became", Outcome(history))]));
            }
        }

        return drafted;
    }

    private static string Outcome(PromptHistory history) => history.Outcome switch
    {
        PreferencePairBuilt => "pair",
        PromptDiscarded discarded => discarded.Reason.ToString(),
        _ => "not settled yet",
    };

    private async Task<IEnumerable<LineageNode>> OriginAsync(SeedExamples examples, int index, CancellationToken cancellationToken) => examples.Made is { } made
        ? [examples.Node("made from", "ranked", made[index].Ranked, await VerdictAsync(examples, made[index].Ranked, made[index].Answer, cancellationToken))]
        : [];

    // The baseline's verdict on a ranked prompt, with its judgements; those that were kept name the judging example that they are.
    private async Task<IEnumerable<LineageNode>> VerdictAsync(SeedExamples examples, int ranked, int? only, CancellationToken cancellationToken)
    {
        var answers = examples.Data.EftRanked[ranked].Answers;
        var built = await examples.Training.VerdictsAsync(cancellationToken);
        var verdict = built?.Verdicts.ElementAtOrDefault(ranked);
        return
        [
            .. verdict is null ? (LineageNode[])[LineageNode.Of("not judged yet", null, null, [])]
                : [LineageNode.Of("verdict", null, verdict.Reason, [("accepted", verdict.Accepted ? "yes" : "no"), ("by", built!.Judge.Name)])],
            .. answers.Index().Where(entry => only is null || entry.Index == only).Select(entry => LineageNode.Of(
                "ranked answer", null, entry.Item.Text, [("answer", entry.Index), ("rank", entry.Item.Rank), ("quality", entry.Item.Quality)],
                verdict?.Judgements.Where(judgement => judgement.Candidate == entry.Index).Select(judgement => LineageNode.Of(
                    "judgement", only is null ? IdOf(examples, ranked, entry.Index) : null, judgement.Raw,
                    [("by", built!.Judge.Name), ("score", judgement.Score), ("unparsable", judgement.Unparsable), ("tokens", judgement.TokenCount), ("log-probability", judgement.LogProb), ("finish", judgement.Finish)])) ?? [])),
        ];
    }

    private string? IdOf(SeedExamples examples, int ranked, int answer) => (examples.Made ?? []).Index()
        .Where(entry => entry.Item.Ranked == ranked && entry.Item.Answer == answer).Select(entry => $"{_run}/eft/{entry.Index}").FirstOrDefault();

    private async Task<IEnumerable<LineageNode>> TrainedAsync(SeedExamples examples, SeedExample example, CancellationToken cancellationToken)
    {
        var trained = new List<LineageNode>();
        foreach (var model in ModelNames.All(ancestry.Start.Settings.Iterations).Skip(1))
        {
            var training = await log.Log.ReadAsync(await log.Runs.TrainingStreamAsync(_run, model, cancellationToken), cancellationToken);
            var (steps, compared) = (training.OfType<TrainingStepped>().ToList(), ModelLineage.Compared(training));
            if (steps.Count == 0)
                continue;
            try
            {
                var showed = await ShowedAsync(examples, example, model, steps, cancellationToken);
                var inVain = showed.Count(step => EarlyStoppingRule.IsGivenUp(step.Step, compared));
                if (showed.Count > 0)
                    trained.Add(LineageNode.Of(
                        "trained", $"{_run}/{model}", null, [("steps that showed it", showed.Count - inVain), (ModelLineage.NotPublished, inVain > 0 ? inVain : null)], showed.Select(step => ModelLineage.Step(_run, step, compared))));
            }
            catch (CheckpointException e)
            {
                trained.Add(LineageNode.Of("trained", $"{_run}/{model}", e.Message, [("steps that showed it", "not known")]));
            }
        }

        return trained;
    }

    private static async Task<List<TrainingStepped>> ShowedAsync(SeedExamples examples, SeedExample example, string model, List<TrainingStepped> steps, CancellationToken cancellationToken)
    {
        if (ModelNames.Iteration(model) is > 1 and var made)
        {
            var replay = example.Set == "eft" ? await examples.Training.ReplayAsync(examples.Judged, made - 1, cancellationToken) : null;
            return replay is null ? [] : steps.FindAll(step => (step.Replayed ?? []).Any(row => replay.ExampleOf(row) == example.Index));
        }

        var mixture = await examples.MixtureAsync(model, cancellationToken);
        return steps.FindAll(step => step.Examples.Any(row => mixture.ExampleOf(row) == example));
    }
}
