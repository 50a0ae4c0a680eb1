using SelfRewarding.Contracts;
using SelfRewarding.Control.Commands;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Lineage;

/// <summary>A prompt's way: what it was drawn from, what was answered and judged, what was decided, and who was trained on that.</summary>
public sealed class PromptLineage(RunLog log, FactLog facts, Ancestry ancestry)
{
    private readonly string _run = ancestry.Start.Run;

    /// <summary>The tree of a prompt, or of one of its answers or judgements.</summary>
    /// <exception cref="UserException">There is no such thing; says what there is.</exception>
    public async Task<LineageNode> OfAsync(LineageId id, CancellationToken cancellationToken)
    {
        var (iteration, ordinal) = (id.Iteration!.Value, id.Ordinal!.Value);
        Known.Iteration(ancestry, iteration);
        if (ordinal >= ancestry.Planned(iteration))
            throw new UserException($"Iteration {iteration} of run '{_run}' has no prompt {ordinal}, expected 0 to {ancestry.Planned(iteration) - 1}.");
        var history = await log.ReadPromptAsync(_run, iteration, ordinal, cancellationToken);
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
            [("source", history.Generated?.Source), ("by", history.Generated?.Model.Name), ("shared with", owner == _run ? null : owner)],
            [
                .. await OriginAsync(history, iteration, cancellationToken),
                .. answers.Where(answer => id.Candidate is null || answer.Index == id.Candidate).Select(answer => Answer(history, answer, id)),
                Outcome(history, iteration, ordinal),
                .. await TrainingAsync(history, iteration, ordinal, cancellationToken),
            ]);
    }

    private async Task<IEnumerable<LineageNode>> OriginAsync(PromptHistory history, int iteration, CancellationToken cancellationToken)
    {
        var rejected = history.Generated?.Rejected ?? (history.Outcome as PromptDiscarded)?.Rejected ?? [];
        var own = await OwnPromptsAsync(history.Generated?.Examples ?? [], iteration, cancellationToken);
        return
        [
            .. history.Generated?.Examples.Select(example => LineageNode.Of(
                own.ContainsKey(example) ? "drawn from the model's prompt" : "drawn from the seed's prompt", own.GetValueOrDefault(example), example, [])) ?? [],
            .. rejected.Select(draft => LineageNode.Of(
                "refused draft", null, draft.Text, [("attempt", draft.Attempt), ("filter", draft.Reason), ("figure", draft.Figure), ("nearest", draft.Nearest)])),
        ];
    }

    // Accepted prompts are all different, so an example that a model wrote is found by its text.
    private async Task<Dictionary<string, string>> OwnPromptsAsync(IReadOnlyList<string> examples, int iteration, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 1; i <= iteration && examples.Count > 0; i++)
        {
            await foreach (var history in log.ReadIterationAsync(_run, i, cancellationToken))
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
            [("by", history.Sampled!.Model.Name), ("tokens", answer.Tokens.Count), ("log-probability", answer.LogProb), ("finish", answer.Finish), ("mean score", score?.Mean), ("parsed judgements", score?.Parsed)],
            judgements.Select(judgement => LineageNode.Of(
                "judgement", $"{name}/j{judgement.Index}", judgement.Raw,
                [("by", history.Judged!.Judge.Name), ("score", judgement.Score), ("unparsable", judgement.Unparsable), ("tokens", judgement.TokenCount), ("log-probability", judgement.LogProb), ("finish", judgement.Finish)])));
    }

    private LineageNode Outcome(PromptHistory history, int iteration, int ordinal) => history.Outcome switch
    {
        PreferencePairBuilt pair => LineageNode.Of(
            "pair", $"{_run}/{iteration}/{ordinal}/pair", null,
            [("chosen", $"c{pair.Chosen.Candidate}"), ("chosen score", pair.Chosen.Score), ("rejected", $"c{pair.Rejected.Candidate}"), ("rejected score", pair.Rejected.Score), ("margin", pair.Chosen.Score - pair.Rejected.Score)]),
        PromptDiscarded discarded => LineageNode.Of("no pair", null, discarded.Detail, [("reason", discarded.Reason)]),
        _ => LineageNode.Of("not settled yet", null, null, []),
    };

    private async Task<IEnumerable<LineageNode>> TrainingAsync(PromptHistory history, int iteration, int ordinal, CancellationToken cancellationToken)
    {
        if (history.Outcome is not PreferencePairBuilt)
            return [];
        var model = ModelNames.OfIteration(iteration + 1);
        var training = await facts.ReadAsync(await log.TrainingStreamAsync(_run, model, cancellationToken), cancellationToken);
        var published = (await log.ReadRunAsync(_run, cancellationToken)).OfType<ModelPublished>().FirstOrDefault(fact => fact.Model.Name == model);
        var frozen = training.OfType<DatasetFrozen>().FirstOrDefault();
        if (frozen is null)
            return [];
        var steps = training.OfType<TrainingStepped>().Where(step => step.Examples.Contains(ordinal)).Select(step => ModelLineage.Step(_run, step)).ToList();
        return
        [
            LineageNode.Of(
                published is null ? "trains" : "trained", $"{_run}/{model}", null,
                [("from", ModelNames.OfIteration(iteration)), ("dataset", frozen.Sha256), ("pairs", frozen.Pairs), ("model", published?.Model.Sha256), ("steps that saw the pair", steps.Count)], steps),
        ];
    }

    private static IReadOnlyList<CandidateScore> ScoresOf(object? outcome) => outcome switch { PreferencePairBuilt pair => pair.Scores, PromptDiscarded discarded => discarded.Scores, _ => [] };
}
