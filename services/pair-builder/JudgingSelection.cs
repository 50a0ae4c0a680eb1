using SelfRewarding.Contracts;
using SelfRewarding.Datasets;

namespace SelfRewarding.PairBuilder;

/// <summary>
/// Which two of an answer's judgements make a pair for judging: chosen is the strongest complete one, rejected the weakest. Among equally strong ones the lowest index counts; where all that could be chosen are as
/// strong as the weakest there is no pair. A chosen judgement that is longer than the settings allow makes none either, as in the paper, where a meta-judge that likes long judgements would make them ever longer.
/// </summary>
public static class JudgingSelection
{
    // Minorisation comes near the maximum and not onto it: what differs by less is the same.
    private const double Equal = 1e-6;

    /// <summary>Chooses, from what is recorded alone.</summary>
    /// <param name="prompt">The instruction.</param>
    /// <param name="candidates">Its answers.</param>
    /// <param name="judgements">Their judgements.</param>
    /// <param name="comparisons">The comparisons of some of these, all of one answer.</param>
    /// <param name="settings">How long a judgement may be.</param>
    /// <exception cref="ArgumentException">The comparisons are not of these judgements.</exception>
    public static JudgingOutcome Choose(
        string prompt, IReadOnlyList<Candidate> candidates, IReadOnlyList<Judgement> judgements, IReadOnlyList<MetaJudgement> comparisons, JudgeSettings settings)
    {
        if (comparisons.Count == 0)
        {
            // A fork with fewer answers or judgements may have left all comparisons behind.
            return new(
                null, 0, 0, 0, [], null, NoJudgingPair.NothingToCompare,
                ComparableJudgements.ByAnswer(judgements).Any() ? "no comparison of the judgements that are there is recorded" : "no answer has two different judgements with a score");
        }

        var compared = Compared(candidates, judgements, comparisons);
        var strengths = JudgementStrengths.Of(JudgementStrengths.Battles([.. compared.Select(judgement => judgement.Index)], comparisons));
        var (first, second) = (comparisons.Count(JudgementStrengths.WonFirst), comparisons.Count(JudgementStrengths.WonSecond));
        JudgingOutcome Outcome(JudgingPair? pair, NoJudgingPair? reason, FormattableString detail) => new(
            comparisons[0].Candidate, comparisons.Count, first, second, [.. compared.Zip(strengths, (judgement, strength) => new JudgementStrength(judgement.Index, strength))],
            pair, reason, FormattableString.Invariant(detail));

        if (first + second == 0)
            return Outcome(null, NoJudgingPair.Unparsable, $"none of {comparisons.Count} comparisons could be read");
        var sides = compared.Zip(strengths, (judgement, strength) => (Judgement: judgement, Strength: strength)).ToList();
        var (best, worst) = (sides.Max(side => side.Strength), sides.Min(side => side.Strength));
        if (!IsAbove(best, worst))
            return Outcome(null, NoJudgingPair.Undecided, $"all {sides.Count} judgements are equally strong after {first} wins in the first place and {second} in the second");
        var complete = sides.Where(side => side.Judgement.Finish == Finish.Stop && IsAbove(side.Strength, worst)).ToList();
        if (complete.Count == 0)
            return Outcome(null, NoJudgingPair.Truncated, $"no judgement above the weakest is complete");
        best = complete.Max(side => side.Strength);
        var chosen = complete.First(side => !IsAbove(best, side.Strength));
        var rejected = sides.First(side => !IsAbove(side.Strength, worst));
        return settings.MetaMaxLength is { } longest && chosen.Judgement.Raw.Length > longest
            ? Outcome(null, NoJudgingPair.TooLong, $"the strongest judgement, {chosen.Judgement.Index}, has {chosen.Judgement.Raw.Length} characters, expected at most {longest}")
            : Outcome(new JudgingPair(prompt, candidates.Single(answer => answer.Index == comparisons[0].Candidate).Text, Side(chosen), Side(rejected)), null, $"");
    }

    private static bool IsAbove(double strength, double other) => strength - other > Equal * other;

    private static JudgementSide Side((Judgement Judgement, double Strength) side) => new(side.Judgement.Index, side.Judgement.Raw, side.Judgement.Score!.Value, side.Strength);

    private static IReadOnlyList<Judgement> Compared(IReadOnlyList<Candidate> candidates, IReadOnlyList<Judgement> judgements, IReadOnlyList<MetaJudgement> comparisons)
    {
        var candidate = comparisons[0].Candidate;
        if (comparisons.FirstOrDefault(comparison => comparison.Candidate != candidate) is { } other)
            throw new ArgumentException($"Judgements of answers {candidate} and {other.Candidate} are compared, expected those of one answer.", nameof(comparisons));
        if (candidates.All(answer => answer.Index != candidate))
            throw new ArgumentException($"Judgements of answer {candidate} are compared, expected one of {string.Join(", ", candidates.Select(answer => answer.Index))}.", nameof(comparisons));
        if (comparisons.GroupBy(comparison => (comparison.First, comparison.Second)).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Judgements {twice.Key.First} and {twice.Key.Second} are compared {twice.Count()} times in this order.", nameof(comparisons));
        if (comparisons.FirstOrDefault(comparison => comparison.First == comparison.Second || (comparison.Winner is { } winner && winner != comparison.First && winner != comparison.Second)) is { } odd)
            throw new ArgumentException($"Of judgements {odd.First} and {odd.Second} {odd.Winner?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"} is the better one, expected two of which one is.", nameof(comparisons));

        var scored = judgements.Where(judgement => judgement.Candidate == candidate && judgement.Score is not null).ToDictionary(judgement => judgement.Index);
        return [.. comparisons.SelectMany(comparison => (int[])[comparison.First, comparison.Second]).Distinct().Order().Select(index => scored.GetValueOrDefault(index)
            ?? throw new ArgumentException($"Judgement {index} of answer {candidate} is compared, but there is none with a score.", nameof(comparisons)))];
    }
}
