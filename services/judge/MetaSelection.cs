using SelfRewarding.Contracts;

namespace SelfRewarding.Judge;

/// <summary>
/// Which judgements of a prompt are compared (Wu et al. 2024, arXiv 2407.19594): those of the answer that the judge is least certain of, the one whose scores have the largest variance; each two of them, in
/// both orders. Where the paper draws among equal variances, the answer that comes first is taken here. What has no score takes no part, and of judgements with the same text only the first: there is nothing to
/// compare.
/// </summary>
public static class MetaSelection
{
    /// <summary>The judgements that are compared with one another, all of one answer, by index; none where no answer has two that differ.</summary>
    public static IReadOnlyList<Judgement> Compared(IReadOnlyList<Judgement> judgements)
    {
        var answers = judgements.Where(judgement => judgement.Score is not null).GroupBy(judgement => judgement.Candidate)
            .Select(answer => (
                Candidate: answer.Key, Variance: Variance([.. answer.Select(judgement => (decimal)judgement.Score!.Value)]),
                Different: answer.OrderBy(judgement => judgement.Index).DistinctBy(judgement => judgement.Raw, StringComparer.Ordinal).ToList()))
            .Where(answer => answer.Different.Count > 1);
        return answers.OrderByDescending(answer => answer.Variance).ThenBy(answer => answer.Candidate).Select(answer => answer.Different).FirstOrDefault() ?? [];
    }

    /// <summary>Every two of them, one way round and the other.</summary>
    public static IEnumerable<(Judgement First, Judgement Second)> Questions(IReadOnlyList<Judgement> compared) =>
        compared.SelectMany(_ => compared, (first, second) => (first, second)).Where(pair => pair.first.Index != pair.second.Index);

    /// <summary>The key that a comparison is drawn with.</summary>
    public static ulong Key(RunSettings settings, int iteration, int ordinal, int first, int second) =>
        DrawKey.For(settings.Seed, DrawPurpose.MetaJudgement, iteration, ordinal, first, second);

    // Scores are decimal numbers as text, so what is equal comes out equal, whatever the order.
    private static decimal Variance(IReadOnlyList<decimal> scores)
    {
        var (sum, squares) = (scores.Sum(), scores.Sum(score => score * score));
        return ((squares * scores.Count) - (sum * sum)) / ((decimal)scores.Count * scores.Count);
    }
}
