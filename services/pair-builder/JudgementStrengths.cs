using SelfRewarding.Contracts;

namespace SelfRewarding.PairBuilder;

/// <summary>
/// How strong each of an answer's judgements is by the comparisons (Wu et al. 2024, arXiv 2407.19594, "Elo Score and Pair Selection").
/// <para>
/// A meta-judge may prefer what it is shown first. With win1st and win2nd the comparisons that the first and the second one won, a win in the first place counts ω1 = win2nd / (win1st + win2nd), one in the second
/// ω2 = win1st / (win1st + win2nd). The paper calls them the total of wins and leaves open over what; here it is over the answer's own comparisons, so that a prompt's decision stands on its own stream and on no
/// other prompt. B(m, n) is what m has won against n in both orders together.
/// </para>
/// <para>
/// Strengths p maximise Σ B(m, n) log(p(m) / (p(m) + p(n))), Bradley and Terry's likelihood, which is the paper's with p = e^ε. Where one judgement lost every comparison that has no maximum, so each two have a
/// small vote more for either side. Hunter's minorisation (Annals of Statistics 32, 2004) finds it by additions, multiplications and divisions alone: the same bits on every machine, as logarithms would not give.
/// </para>
/// </summary>
public static class JudgementStrengths
{
    /// <summary>What each two judgements are taken to have won against one another beside the votes.</summary>
    public const double VoteForEither = 0.01;

    // No two are further apart than 1 to 0. Where all are, eleven judgements take 4,000 rounds and thirty-two 6,000; hundreds would end here, a little before the maximum and on every machine alike.
    private const int MostRounds = 10_000;

    // A round that moves nothing by more is the last one.
    private const double Still = 1e-12;

    /// <summary>The weights of a win in the first and in the second place; null where nothing was won.</summary>
    public static (double First, double Second)? Weights(IReadOnlyList<MetaJudgement> comparisons)
    {
        var (first, second) = (comparisons.Count(WonFirst), comparisons.Count(WonSecond));
        return first + second == 0 ? null : ((double)second / (first + second), (double)first / (first + second));
    }

    /// <summary>Whether the judgement that was shown first won.</summary>
    public static bool WonFirst(MetaJudgement comparison) => comparison.Winner == comparison.First;

    /// <summary>Whether the judgement that was shown second won.</summary>
    public static bool WonSecond(MetaJudgement comparison) => comparison.Winner == comparison.Second;

    /// <summary>What each of the judgements has won against each other one.</summary>
    /// <param name="indices">The judgements, rows and columns of the answer.</param>
    /// <param name="comparisons">Their comparisons.</param>
    public static double[,] Battles(IReadOnlyList<int> indices, IReadOnlyList<MetaJudgement> comparisons)
    {
        var battles = new double[indices.Count, indices.Count];
        if (Weights(comparisons) is not { } weights)
            return battles;
        var places = indices.Index().ToDictionary(place => place.Item, place => place.Index);
        foreach (var comparison in comparisons)
        {
            if (WonFirst(comparison))
                battles[places[comparison.First], places[comparison.Second]] += weights.First;
            else if (WonSecond(comparison))
                battles[places[comparison.Second], places[comparison.First]] += weights.Second;
        }

        return battles;
    }

    /// <summary>The strengths of the judgements, in their order; their mean is 1.</summary>
    public static IReadOnlyList<double> Of(double[,] battles)
    {
        var count = battles.GetLength(0);
        var strengths = Enumerable.Repeat(1.0, count).ToArray();
        for (var round = 0; round < MostRounds; round++)
        {
            var next = new double[count];
            for (var m = 0; m < count; m++)
            {
                // p(m) ← W(m) / Σ N(m, n) / (p(m) + p(n)), W what m won, N what was fought between m and n.
                var (won, fought) = (0.0, 0.0);
                for (var n = 0; n < count; n++)
                {
                    if (n == m)
                        continue;
                    won += battles[m, n] + VoteForEither;
                    fought += (battles[m, n] + battles[n, m] + (2 * VoteForEither)) / (strengths[m] + strengths[n]);
                }

                next[m] = won / fought;
            }

            var mean = next.Sum() / count;
            var moved = 0.0;
            for (var m = 0; m < count; m++)
            {
                next[m] /= mean;
                moved = Math.Max(moved, Math.Abs(next[m] - strengths[m]) / strengths[m]);
            }

            strengths = next;
            if (moved <= Still)
                break;
        }

        return strengths;
    }
}
