using SelfRewarding.Contracts;
using SelfRewarding.Control.View;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Http;

/// <summary>Some prompts of an iteration, by ordinal.</summary>
/// <param name="Planned">How many the iteration is to have.</param>
/// <param name="Next">What <c>after</c> has to be for the next page; null on the last one.</param>
public sealed record Page<T>(string Run, int Iteration, int Planned, IReadOnlyList<T> Items, int? Next);

/// <summary>A prompt, and how far it has come; its lineage has the rest.</summary>
/// <param name="Id">What <c>/api/lineage</c> takes.</param>
/// <param name="Stage">The last one that is done, 1 to 4 (<see cref="PromptStage"/>).</param>
/// <param name="Discarded">Why it made no pair of answers, in words.</param>
/// <param name="JudgingPair">Whether its judgements made a pair, which is trained on even where its answers made none; null where they were not compared.</param>
public sealed record PromptLine(
    string Id, int Ordinal, int Stage, string? Prompt, string? Source, int Refused, int Answers, int Judgements, int Unparsable,
    double? ChosenScore, double? RejectedScore, string? Discarded, string? Detail, bool? JudgingPair)
{
    internal static PromptLine Of(string run, int iteration, int ordinal, PromptHistory history)
    {
        var (pair, discarded) = (history.Outcome as PreferencePairBuilt, history.Outcome as PromptDiscarded);
        var judgements = history.Judged?.Judgements ?? [];
        return new PromptLine(
            $"{run}/{iteration}/{ordinal}", ordinal, history.Outcome is null ? history.Version : PromptStage.Settled, history.Generated?.Prompt, history.Generated?.Source,
            (history.Generated?.Rejected ?? discarded?.Rejected)?.Count ?? 0, history.Sampled?.Candidates.Count ?? 0, judgements.Count, judgements.Count(judgement => judgement.Score is null),
            pair?.Chosen.Score, pair?.Rejected.Score, discarded is null ? null : DriftPanel.InWords(discarded.Reason), discarded?.Detail,
            history.Judging is { } judging ? judging.Pair is not null : null);
    }
}

/// <summary>A preference pair with its texts, named as in preference data sets.</summary>
/// <param name="Id">What <c>/api/lineage</c> takes.</param>
/// <param name="Kind"><c>answers</c> or <c>judgements</c>.</param>
/// <param name="Prompt">The instruction, of either kind.</param>
/// <param name="ScoreChosen">The chosen answer's mean score; of judgements, how strong it is among those of its answer.</param>
/// <param name="ChosenAnswer">Which answer it is, by its index; of judgements, which one they judge.</param>
/// <param name="Response">The answer that the two judge; null for a pair of answers.</param>
public sealed record PairLine(
    string Id, int Ordinal, string Kind, string Prompt, string Chosen, string Rejected, double ScoreChosen, double ScoreRejected, int ChosenAnswer, int RejectedAnswer,
    string? Response = null, int? ChosenJudgement = null, int? RejectedJudgement = null)
{
    /// <summary>A prompt's pairs in the order of the dataset: of answers, of judgements, both or neither.</summary>
    internal static IEnumerable<PairLine> Of(string run, int iteration, int ordinal, PromptHistory history)
    {
        var id = $"{run}/{iteration}/{ordinal}";
        if (history.Outcome is PreferencePairBuilt { Chosen: var chosen, Rejected: var rejected } pair)
            yield return new PairLine(id, ordinal, "answers", pair.Prompt, chosen.Text, rejected.Text, chosen.Score, rejected.Score, chosen.Candidate, rejected.Candidate);
        if (history.Judging is { Candidate: { } answer, Pair: { Chosen: var better, Rejected: var worse } judging })
            yield return new PairLine($"{id}/judging", ordinal, "judgements", judging.Prompt, better.Text, worse.Text, better.Strength, worse.Strength, answer, answer, judging.Answer, better.Judgement, worse.Judgement);
    }
}

/// <summary>Reads an iteration's prompts some at a time.</summary>
internal static class PromptPages
{
    private const int ReadAtOnce = 64;

    /// <summary>The first <paramref name="limit"/> lines after a prompt; those of one prompt stay together, so there may be one more.</summary>
    public static async Task<Page<T>> ReadAsync<T>(
        LogReader log, string run, int iteration, int after, int limit, Func<int, PromptHistory, IEnumerable<T>> lines, CancellationToken cancellationToken)
    {
        var planned = (await log.Catalog.AncestryOfAsync(run, cancellationToken)).Planned(iteration);
        var items = new List<T>();
        foreach (var ordinals in Enumerable.Range(0, planned).Skip(after + 1).Chunk(ReadAtOnce))
        {
            var histories = await log.Runs.ReadPromptsAsync(run, iteration, ordinals, cancellationToken);
            for (var i = 0; i < ordinals.Length; i++)
            {
                if (histories[i].Version == 0)
                    continue;
                items.AddRange(lines(ordinals[i], histories[i]));
                if (items.Count >= limit)
                    return new Page<T>(run, iteration, planned, items, ordinals[i] + 1 < planned ? ordinals[i] : null);
            }
        }

        return new Page<T>(run, iteration, planned, items, null);
    }
}
