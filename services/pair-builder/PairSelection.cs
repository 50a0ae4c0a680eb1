using SelfRewarding.Contracts;

namespace SelfRewarding.PairBuilder;

/// <summary>The two answers of a preference pair.</summary>
public sealed record ChosenPair(PairSide Chosen, PairSide Rejected);

/// <summary>A pair, or why there is none; always with every candidate's score.</summary>
/// <param name="Scores">By candidate index.</param>
/// <param name="Pair">Null where there is a <paramref name="Discard"/>.</param>
/// <param name="Detail">One sentence about the discard with its figures; empty where there is a pair.</param>
public sealed record PairChoice(IReadOnlyList<CandidateScore> Scores, ChosenPair? Pair, DiscardReason? Discard, string Detail);

/// <summary>
/// Which two of the judged answers make a pair. Answers and judgements are joined by candidate index. An answer's score is the mean of its
/// parsed judgements, never rounded; an answer without one takes no part. Chosen is the best complete answer, rejected the worst answer,
/// complete or not. Among equals: a rejected answer that is complete before one that is not, then the lowest index; but of two answers
/// with the same text the next one is taken, since equal texts make no pair.
/// </summary>
public static class PairSelection
{
    private sealed record Scored(Candidate Candidate, double Mean)
    {
        public bool IsComplete => Candidate.Finish == Finish.Stop;
    }

    /// <summary>Chooses.</summary>
    /// <exception cref="ArgumentException">The judgements are not of these candidates, or a score is outside the judge's range.</exception>
    public static PairChoice Choose(
        IReadOnlyList<Candidate> candidates, IReadOnlyList<Judgement> judgements, PairSettings pairs, JudgeSettings judge)
    {
        var scores = Score(candidates, judgements, judge);
        PairChoice No(DiscardReason reason, FormattableString detail) => new(scores, null, reason, FormattableString.Invariant(detail));

        var byIndex = candidates.ToDictionary(candidate => candidate.Index);
        var scored = scores.Where(score => score.Mean is not null).Select(score => new Scored(byIndex[score.Candidate], score.Mean!.Value)).ToList();
        if (scored.Count < 2)
            return No(DiscardReason.Unparsable, $"{scored.Count} of {candidates.Count} answers have a score, expected at least 2");
        var (best, worst) = (scored.Max(answer => answer.Mean), scored.Min(answer => answer.Mean));
        if (best == worst)
            return No(DiscardReason.Tie, $"all {scored.Count} answers with a score have {best}");
        var complete = scored.Where(answer => answer.IsComplete).ToList();
        if (complete.Count == 0 || complete.Max(answer => answer.Mean) == worst)
            return No(DiscardReason.Truncated, $"no answer above the lowest mean, {worst}, is complete: {scored.Count - complete.Count} of {scored.Count} are truncated");

        // The range that choosing goes by: what cannot be chosen does not raise it.
        best = complete.Max(answer => answer.Mean);
        var (from, to) = Tiers(best, worst, pairs.LengthControl);
        var high = complete.Where(answer => answer.Mean >= from);
        var low = scored.Where(answer => answer.Mean <= to);
        if (pairs.LengthControl is not null)
        {
            high = high.OrderBy(answer => answer.Candidate.Text.Length).ThenByDescending(answer => answer.Mean);
            low = low.OrderByDescending(answer => answer.Candidate.Text.Length).ThenBy(answer => answer.Mean);
        }
        else
        {
            low = low.OrderByDescending(answer => answer.IsComplete);
        }

        var rejectable = low.ToList();
        var ordered = high.SelectMany(_ => rejectable, (chosen, rejected) => (Chosen: chosen, Rejected: rejected)).Where(pair => pair.Chosen.Mean > pair.Rejected.Mean).ToList();
        var pair = ordered.FirstOrDefault(pair => pair.Chosen.Candidate.Text != pair.Rejected.Candidate.Text);
        if (pair.Chosen is null)
            return No(DiscardReason.IdenticalTexts, $"the answers with means {best} and {worst} are the same text");
        var margin = pair.Chosen.Mean - pair.Rejected.Mean;
        return margin < pairs.MinMargin
            ? No(DiscardReason.SmallMargin, $"the means {pair.Chosen.Mean} and {pair.Rejected.Mean} differ by {margin}, expected at least {pairs.MinMargin}")
            : new(scores, new(Side(pair.Chosen), Side(pair.Rejected)), null, "");
    }

    /// <summary>The mean of each candidate's parsed judgements, by candidate index.</summary>
    /// <exception cref="ArgumentException">As <see cref="Choose"/>.</exception>
    public static IReadOnlyList<CandidateScore> Score(IReadOnlyList<Candidate> candidates, IReadOnlyList<Judgement> judgements, JudgeSettings judge)
    {
        var indices = candidates.Select(candidate => candidate.Index).Order().ToList();
        if (indices.Distinct().Count() != indices.Count)
            throw new ArgumentException($"Two candidates have the same index ({string.Join(", ", indices)}).", nameof(candidates));
        foreach (var judgement in judgements)
        {
            if (!indices.Contains(judgement.Candidate))
                throw new ArgumentException($"Judgement {judgement.Index} is of candidate {judgement.Candidate}, expected one of {string.Join(", ", indices)}.", nameof(judgements));
            if (judgement.Score is { } score && !(score >= judge.MinScore && score <= judge.MaxScore))
                throw new ArgumentException(FormattableString.Invariant($"Judgement {judgement.Index} of candidate {judgement.Candidate} has score {score}, expected {judge.MinScore} to {judge.MaxScore} or none."), nameof(judgements));
        }

        if (judgements.GroupBy(judgement => (judgement.Candidate, judgement.Index)).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Judgement {twice.Key.Index} of candidate {twice.Key.Candidate} is there {twice.Count()} times.", nameof(judgements));

        var parsed = judgements.Where(judgement => judgement.Score is not null).ToLookup(judgement => judgement.Candidate, judgement => judgement.Score!.Value);
        return [.. indices.Select(index => new CandidateScore(index, parsed[index].Any() ? Mean(parsed[index].ToList()) : null, parsed[index].Count()))];
    }

    // Scores are decimal numbers as text, so a decimal sum is exact: 3.9 + 4.1 ties with 4 + 4 in whatever order they come.
    private static double Mean(List<double> scores) => (double)scores.Sum(score => (decimal)score) / scores.Count;

    // Meta-Rewarding (arXiv 2407.19594): chosen from [(1-ρ)·Smax + ρ·Smin, Smax], rejected from [Smin, (1-ρ)·Smin + ρ·Smax].
    private static (double From, double To) Tiers(double best, double worst, double? rho) =>
        rho is { } r ? (Math.Min(best, ((1 - r) * best) + (r * worst)), Math.Max(worst, ((1 - r) * worst) + (r * best))) : (best, worst);

    private static PairSide Side(Scored answer) => new(answer.Candidate.Index, answer.Candidate.Text, answer.Mean);
}
