namespace SelfRewarding.Control.View;

/// <summary>How probable it is that chance alone makes a difference as large as the one that was seen.</summary>
public static class Chance
{
    /// <summary>
    /// The exact two-sided sign test: the probability that a fair coin, thrown once for each prompt that was not a tie, falls at least as
    /// unevenly as these wins and losses. 1 where there are none.
    /// </summary>
    public static double SignTest(int wins, int losses)
    {
        var (n, k) = (wins + losses, Math.Min(wins, losses));
        // 2 · Σ_{i ≤ k} C(n, i) / 2^n, each binomial coefficient from the one before, in logarithms so that n may be large.
        var (logTerm, tail) = (-n * Math.Log(2), 0.0);
        for (var i = 0; i <= k; i++)
        {
            tail += Math.Exp(logTerm);
            logTerm += Math.Log(n - i) - Math.Log(i + 1);
        }

        return Math.Min(1, 2 * tail);
    }

    /// <summary>
    /// Half the width of the 95 % interval of the difference of two shares of <paramref name="n"/> prompts each (normal approximation). The
    /// models answer the same prompts, which this leaves aside: the interval is rather too wide than too narrow.
    /// </summary>
    public static double HalfWidthOfDifference(double p, double q, int n) => n == 0 ? 1 : 1.96 * Math.Sqrt(((p * (1 - p)) + (q * (1 - q))) / n);
}
