using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Commands;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Lineage;

/// <summary>A prompt's way: what it was drawn from, what was answered and judged, what was decided, and who was trained on that.</summary>
public sealed class PromptLineage(LogReader log, Ancestry ancestry)
{
    private const string SeedShot = "drawn from the seed's prompt";

    private readonly string _run = ancestry.Start.Run;

    /// <summary>The tree of a prompt, or of one of its answers or judgements.</summary>
    /// <param name="id">What is asked for.</param>
    /// <param name="measure">Whether the pair's rewards are measured by the trained model.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="UserException">There is no such thing; says what there is.</exception>
    public async Task<LineageNode> OfAsync(LineageId id, bool measure, CancellationToken cancellationToken)
    {
        var (iteration, ordinal) = (id.Iteration!.Value, id.Ordinal!.Value);
        Known.Iteration(ancestry, iteration);
        if (ordinal >= ancestry.Planned(iteration))
            throw new UserException($"Iteration {iteration} of run '{_run}' has no prompt {ordinal}, expected 0 to {ancestry.Planned(iteration) - 1}.");
        var history = await log.Runs.ReadPromptAsync(_run, iteration, ordinal, cancellationToken);
        if (history.Version == 0)
            throw new UserException($"Prompt {_run}/{iteration}/{ordinal} is not there yet: the run has not come to it.");
        var answers = history.Sampled?.Candidates ?? [];
        if (id.Candidate is { } candidate && answers.All(answer => answer.Index != candidate))
            throw new UserException($"Prompt {_run}/{iteration}/{ordinal} has no answer {candidate}, expected {(answers.Count == 0 ? "none: it was discarded before" : $"c0 to c{answers.Count - 1}")}.");
        if (id.Judgement is { } judgement && history.Judged?.Judgements.Any(found => found.Candidate == id.Candidate && found.Index == judgement) != true)
            throw new UserException($"Answer {id.Candidate} of prompt {_run}/{iteration}/{ordinal} has no judgement {judgement}, expected j0 to j{ancestry.SettingsOf(iteration, PromptStage.Judged).Judge.Count - 1}.");

        var owner = ancestry.Prompts(iteration)[0].Owner;
        return LineageNode.Of(
            "prompt", $"{_run}/{iteration}/{ordinal}", history.Generated?.Prompt,
            [("source", history.Generated?.Source), ("by", By(history.Generated?.Server, history.Generated?.Model)), ("drafted for tokens", Tokens(history.Generated?.Server ?? (history.Outcome as PromptDiscarded)?.Server)), ("answered for tokens", Tokens(history.Sampled?.Server)),
                ("judged for tokens", Tokens(history.Judged?.Server)), ("shared with", owner == _run ? null : owner)],
            [
                .. await OriginAsync(history, iteration, cancellationToken),
                .. answers.Where(answer => id.Candidate is null || answer.Index == id.Candidate).Select(answer => Answer(history, answer, id)),
                Outcome(history, iteration, ordinal),
                .. Judging(history, iteration, ordinal),
                .. await TrainingAsync(history, iteration, ordinal, measure, cancellationToken),
            ]);
    }

    private async Task<IEnumerable<LineageNode>> OriginAsync(PromptHistory history, int iteration, CancellationToken cancellationToken)
    {
        var rejected = history.Generated?.Rejected ?? (history.Outcome as PromptDiscarded)?.Rejected ?? [];
        var refused = rejected.Select(draft => LineageNode.Of(
            "refused draft", null, draft.Text, [("attempt", draft.Attempt), ("filter", draft.Reason), ("figure", draft.Figure), ("nearest", draft.Nearest)]));
        if (history.Generated is not { } generated)
            return refused;
        return generated.Source is "model" or "server" ? [.. await ShotsAsync(generated, iteration, cancellationToken), .. refused] : [Taken(generated, iteration)];
    }

    private async Task<IEnumerable<LineageNode>> ShotsAsync(PromptGenerated generated, int iteration, CancellationToken cancellationToken)
    {
        var own = await OwnPromptsAsync(generated.Examples, iteration, cancellationToken);
        var (seed, why) = await SeedExamples.OpenAsync(log, ancestry, cancellationToken);
        return generated.Examples.Select(example => own.TryGetValue(example, out var id)
            ? LineageNode.Of("drawn from the model's prompt", id, example, [])
            : seed?.Shot(SeedShot, example) ?? LineageNode.Of(SeedShot, null, example, [("place", seed is null ? $"not known: {why}" : "not in the seed")]));
    }

    // Prompts of a file are taken in its order, an iteration's after those of the iterations before.
    private LineageNode Taken(PromptGenerated generated, int iteration)
    {
        var index = ((iteration - 1) * ancestry.SettingsOf(iteration, PromptStage.Generated).Prompts.PerIteration) + generated.Ordinal;
        try
        {
            return LineageNode.Of("taken from", null, null, [("place", Jsonl.Read(generated.Source).ElementAtOrDefault(index)?.Location ?? $"{generated.Source}, which is shorter now")]);
        }
        catch (DataFileException e)
        {
            return LineageNode.Of("taken from", null, null, [("place", e.Message)]);
        }
    }

    // Accepted prompts are all different, so an example that a model wrote is found by its text.
    private async Task<Dictionary<string, string>> OwnPromptsAsync(IReadOnlyList<string> examples, int iteration, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 1; i <= iteration && examples.Count > 0; i++)
        {
            await foreach (var history in log.Runs.ReadIterationAsync(_run, i, cancellationToken))
            {
                if (history.Generated is { } generated && examples.Contains(generated.Prompt))
                    found.TryAdd(generated.Prompt, $"{_run}/{i}/{generated.Ordinal}");
            }
        }

        return found;
    }

    private LineageNode Answer(PromptHistory history, Candidate answer, LineageId id)
    {
        var name = $"{_run}/{id.Iteration}/{id.Ordinal}/c{answer.Index}";
        var score = ScoresOf(history.Outcome).FirstOrDefault(score => score.Candidate == answer.Index);
        var judgements = history.Judged?.Judgements.Where(judgement => judgement.Candidate == answer.Index && (id.Judgement is null || judgement.Index == id.Judgement)) ?? [];
        return LineageNode.Of(
            "answer", name, answer.Text,
            [("by", By(history.Sampled!.Server, history.Sampled.Model)), ("tokens", history.Sampled.Server is null ? answer.Tokens.Count : null), ("log-probability", answer.LogProb), ("finish", answer.Finish), ("mean score", score?.Mean), ("parsed judgements", score?.Parsed)],
            judgements.Select(judgement => LineageNode.Of(
                "judgement", $"{name}/j{judgement.Index}", judgement.Raw,
                [("by", By(history.Judged!.Server, history.Judged.Judge)), ("score", judgement.Score), ("unparsable", judgement.Unparsable), ("tokens", judgement.TokenCount), ("log-probability", judgement.LogProb), ("finish", judgement.Finish)])));
    }

    // Where a server did it, the run's model had no part in it.
    private static string? By(ServedBy? server, ModelRef? model) => server is null ? model?.Name : $"{string.Join(", ", server.Models)} at {server.Url}";

    // Read and written, as the server counted them.
    private static string? Tokens(ServedBy? server) => server is null ? null : $"{server.InputTokens?.ToString(CultureInfo.InvariantCulture) ?? "?"} + {server.OutputTokens?.ToString(CultureInfo.InvariantCulture) ?? "?"}";

    private LineageNode Outcome(PromptHistory history, int iteration, int ordinal) => history.Outcome switch
    {
        PreferencePairBuilt pair => LineageNode.Of(
            "pair", $"{_run}/{iteration}/{ordinal}/pair", null,
            [("chosen", $"c{pair.Chosen.Candidate}"), ("chosen score", pair.Chosen.Score), ("rejected", $"c{pair.Rejected.Candidate}"), ("rejected score", pair.Rejected.Score), ("margin", pair.Chosen.Score - pair.Rejected.Score)]),
        PromptDiscarded discarded => LineageNode.Of("no pair", null, discarded.Detail, [("reason", discarded.Reason)]),
        _ => LineageNode.Of("not settled yet", null, null, []),
    };

    // Each judgement that was compared by its strength, each comparison with its raw text: judgements themselves hang under their answer.
    private IEnumerable<LineageNode> Judging(PromptHistory history, int iteration, int ordinal)
    {
        if (history is not { Judging: { } outcome, Judged: { Meta: { } comparisons } judged })
            return [];
        var answer = $"{_run}/{iteration}/{ordinal}/c{outcome.Candidate}";
        IEnumerable<LineageNode> children =
        [
            .. outcome.Strengths.Select(strength => LineageNode.Of("compared judgement", $"{answer}/j{strength.Judgement}", null, [("strength", strength.Strength)])),
            .. comparisons.Select(comparison => LineageNode.Of(
                "comparison", null, comparison.Raw,
                [("by", By(judged.Server, judged.Judge)), ("A", $"j{comparison.First}"), ("B", $"j{comparison.Second}"), ("better", comparison.Winner is { } winner ? $"j{winner}" : null),
                    ("unparsable", comparison.Unparsable), ("tokens", comparison.TokenCount), ("log-probability", comparison.LogProb), ("finish", comparison.Finish)])),
        ];
        (string, object?)[] votes = [("comparisons", outcome.Comparisons), ("won by the first", outcome.WonFirst), ("won by the second", outcome.WonSecond)];
        return
        [
            outcome.Pair is { } pair
                ? LineageNode.Of(
                    "judging pair", $"{_run}/{iteration}/{ordinal}/judging", null,
                    [("chosen", $"{answer}/j{pair.Chosen.Judgement}"), ("chosen strength", pair.Chosen.Strength), ("rejected", $"{answer}/j{pair.Rejected.Judgement}"), ("rejected strength", pair.Rejected.Strength), .. votes],
                    children)
                : LineageNode.Of("no judging pair", null, outcome.Detail, [("reason", outcome.Reason), .. votes], children),
        ];
    }

    private async Task<IEnumerable<LineageNode>> TrainingAsync(PromptHistory history, int iteration, int ordinal, bool measure, CancellationToken cancellationToken)
    {
        var model = ModelNames.OfIteration(iteration + 1);
        var published = (await log.Runs.ReadRunAsync(_run, cancellationToken)).OfType<ModelPublished>().FirstOrDefault(fact => fact.Model.Name == model);
        List<FrozenPair> pairs = [.. FrozenPair.AllOf(history)];
        if (measure && pairs.Count == 0)
            throw new UserException($"--measure: prompt {_run}/{iteration}/{ordinal} made no pair ({(history.Outcome as PromptDiscarded)?.Detail ?? "it is not settled yet"}): ask for one that did ('selfreward lineage {_run}/{model}' names them).");
        if (measure && published is null)
            throw new UserException($"--measure: {model} of run '{_run}' is not published yet; let the run go on ('selfreward resume {_run}').");
        var training = pairs.Count == 0 ? [] : await log.Log.ReadAsync(await log.Runs.TrainingStreamAsync(_run, model, cancellationToken), cancellationToken);
        if (training.OfType<DatasetFrozen>().FirstOrDefault() is not { } frozen)
            return [];
        var nodes = new List<LineageNode>();
        var compared = ModelLineage.Compared(training);
        var (givenUp, learnt) = ModelLineage.Split(training, compared);
        foreach (var pair in pairs)
        {
            var judging = pair.Pair.IsJudging;
            var seen = learnt.Where(step => PairRewards.Saw(step, ordinal, judging)).ToList();
            var inVain = givenUp.Where(step => PairRewards.Saw(step, ordinal, judging)).ToList();
            // One of two that did not fit into the context was not seen, and says nothing against measuring the other.
            var final = measure && (seen.Count + inVain.Count > 0 || pairs.Count == 1)
                ? await Task.Run(() => FinalRewards.Measure(pair, published!, ancestry.SettingsOf(model), new WorkerOptions { Data = log.Folder, Postgres = "" }), cancellationToken)
                : null;
            nodes.Add(LineageNode.Of(
                published is null ? "trains" : "trained", $"{_run}/{model}", null,
                [
                    ("on", judging ? "the judging pair" : null), ("from", ModelNames.OfIteration(iteration)), ("dataset", frozen.Sha256), ("pairs", frozen.Pairs), ("judging pairs", frozen.Statistics.Judging?.Pairs),
                    ("model", published?.Model.Sha256), ("steps that saw the pair", seen.Count), (ModelLineage.NotPublished, inVain.Count > 0 ? inVain.Count : null),
                ],
                [
                    .. seen.Select((step, index) => ModelLineage.Step(
                        _run, step, compared,
                        [
                            .. Worth("pair before", null, PairRewards.At(step, ordinal, judging)),
                            .. index + 1 < seen.Count
                                ? Worth("pair after", $"{_run}/{model}/step/{seen[index + 1].Step}", PairRewards.At(seen[index + 1], ordinal, judging))
                                : Worth("pair after", $"{_run}/{model}", final),
                        ])),
                    .. inVain.Select(step => ModelLineage.Step(_run, step, compared, Worth("pair before", null, PairRewards.At(step, ordinal, judging)))),
                ]));
        }

        return nodes;
    }

    private static IEnumerable<LineageNode> Worth(string kind, string? id, PairReward? reward) => reward is null ? [] : [LineageNode.Of(kind, id, null, ModelLineage.Figures(reward))];

    private static IReadOnlyList<CandidateScore> ScoresOf(object? outcome) => outcome switch { PreferencePairBuilt pair => pair.Scores, PromptDiscarded discarded => discarded.Scores, _ => [] };
}
