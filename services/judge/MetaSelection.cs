using SelfRewarding.Contracts;
using SelfRewarding.Datasets;

namespace SelfRewarding.Judge;

/// <summary>
/// Which judgements of a prompt are compared (Wu et al. 2024, arXiv 2407.19594): those of the answer that the judge is least certain of, the one whose scores have the largest variance; each two of them, in
/// both orders. Where the paper draws among equal variances, the answer that comes first is taken here. Which take part is said by <see cref="ComparableJudgements"/>.
/// </summary>
public static class MetaSelection
{
    /// <summary>The judgements that are compared with one another, all of one answer, by index; none where no answer has two that differ.</summary>
    public static IReadOnlyList<Judgement> Compared(IReadOnlyList<Judgement> judgements) =>
        ComparableJudgements.ByAnswer(judgements)
            .OrderByDescending(answer => Variance([.. judgements.Where(judgement => judgement.Candidate == answer.Candidate).Select(judgement => (decimal?)judgement.Score).OfType<decimal>()]))
            .ThenBy(answer => answer.Candidate).Select(answer => answer.Different).FirstOrDefault() ?? [];

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
