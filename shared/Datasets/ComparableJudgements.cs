using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>Which judgements of an answer can be compared with one another: those that have a score, and of those with the same text the first, since between equals there is nothing to compare.</summary>
public static class ComparableJudgements
{
    /// <summary>The answers that have two such judgements or more, each with these by index.</summary>
    public static IEnumerable<(int Candidate, IReadOnlyList<Judgement> Different)> ByAnswer(IReadOnlyList<Judgement> judgements) =>
        judgements.Where(judgement => judgement.Score is not null).GroupBy(judgement => judgement.Candidate)
            .Select(answer => (Candidate: answer.Key, Different: (IReadOnlyList<Judgement>)[.. answer.OrderBy(judgement => judgement.Index).DistinctBy(judgement => judgement.Raw, StringComparer.Ordinal)]))
            .Where(answer => answer.Different.Count > 1);
}
