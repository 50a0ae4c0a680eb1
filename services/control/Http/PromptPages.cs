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
/// <param name="Discarded">Why it made no pair, in words.</param>
public sealed record PromptLine(
    string Id, int Ordinal, int Stage, string? Prompt, string? Source, int Refused, int Answers, int Judgements, int Unparsable,
    double? ChosenScore, double? RejectedScore, string? Discarded, string? Detail)
{
    internal static PromptLine Of(string run, int iteration, int ordinal, PromptHistory history)
    {
        var (pair, discarded) = (history.Outcome as PreferencePairBuilt, history.Outcome as PromptDiscarded);
        var judgements = history.Judged?.Judgements ?? [];
        return new PromptLine(
            $"{run}/{iteration}/{ordinal}", ordinal, history.Outcome is null ? history.Version : PromptStage.Settled, history.Generated?.Prompt, history.Generated?.Source,
            (history.Generated?.Rejected ?? discarded?.Rejected)?.Count ?? 0, history.Sampled?.Candidates.Count ?? 0, judgements.Count, judgements.Count(judgement => judgement.Score is null),
            pair?.Chosen.Score, pair?.Rejected.Score, discarded is null ? null : DriftPanel.InWords(discarded.Reason), discarded?.Detail);
    }
}

/// <summary>A preference pair with its texts, named as in preference data sets.</summary>
public sealed record PairLine(string Id, int Ordinal, string Prompt, string Chosen, string Rejected, double ScoreChosen, double ScoreRejected, int ChosenAnswer, int RejectedAnswer)
{
    internal static PairLine? Of(string run, int iteration, PromptHistory history) => history.Outcome is PreferencePairBuilt pair
        ? new PairLine($"{run}/{iteration}/{pair.Ordinal}", pair.Ordinal, pair.Prompt, pair.Chosen.Text, pair.Rejected.Text, pair.Chosen.Score, pair.Rejected.Score, pair.Chosen.Candidate, pair.Rejected.Candidate)
        : null;
}

/// <summary>Reads an iteration's prompts some at a time.</summary>
internal static class PromptPages
{
    private const int ReadAtOnce = 64;

    /// <summary>The first <paramref name="limit"/> lines after a prompt that there is something to say of.</summary>
    public static async Task<Page<T>> ReadAsync<T>(
        LogReader log, string run, int iteration, int after, int limit, Func<int, PromptHistory, T?> line, CancellationToken cancellationToken)
        where T : class
    {
        var planned = (await log.Catalog.AncestryOfAsync(run, cancellationToken)).Planned(iteration);
        var items = new List<T>();
        foreach (var ordinals in Enumerable.Range(0, planned).Skip(after + 1).Chunk(ReadAtOnce))
        {
            var histories = await log.Runs.ReadPromptsAsync(run, iteration, ordinals, cancellationToken);
            for (var i = 0; i < ordinals.Length; i++)
            {
                if (histories[i].Version == 0 || line(ordinals[i], histories[i]) is not { } item)
                    continue;
                items.Add(item);
                if (items.Count == limit)
                    return new Page<T>(run, iteration, planned, items, ordinals[i] + 1 < planned ? ordinals[i] : null);
            }
        }

        return new Page<T>(run, iteration, planned, items, null);
    }
}
