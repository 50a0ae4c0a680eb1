namespace SelfRewarding.Evaluator;

/// <summary>Rank correlation of two lists of numbers about the same things, −1 to 1; null where either list is constant or shorter than two.</summary>
public static class Correlation
{
    /// <summary>Kendall's τ-b = (C − D) / √((n₀ − n₁)(n₀ − n₂)): concordant less discordant pairs, over the pairs not tied in x and in y.</summary>
    public static double? KendallTauB(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        RequireSameLength(x, y);
        var (difference, untiedX, untiedY) = (0L, 0L, 0L);
        for (var i = 0; i < x.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (dx, dy) = (x[i].CompareTo(x[j]), y[i].CompareTo(y[j]));
                difference += dx * dy;
                untiedX += dx * dx;
                untiedY += dy * dy;
            }
        }

        return untiedX == 0 || untiedY == 0 ? null : difference / Math.Sqrt((double)untiedX * untiedY);
    }

    /// <summary>Spearman's ρ: Pearson's correlation of the ranks, where tied values share the mean of their ranks.</summary>
    public static double? Spearman(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        RequireSameLength(x, y);
        var (a, b) = (Ranks(x), Ranks(y));
        var mean = (x.Count - 1) / 2.0;
        var (ab, aa, bb) = (0.0, 0.0, 0.0);
        for (var i = 0; i < a.Length; i++)
        {
            var (da, db) = (a[i] - mean, b[i] - mean);
            ab += da * db;
            aa += da * da;
            bb += db * db;
        }

        return aa == 0 || bb == 0 ? null : ab / Math.Sqrt(aa * bb);
    }

    // The mean of the ranks (from 0) that equal values take up: those below, and half of the other equals.
    private static double[] Ranks(IReadOnlyList<double> values) =>
        [.. values.Select(value => values.Count(other => other < value) + ((values.Count(other => other == value) - 1) / 2.0))];

    private static void RequireSameLength(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        if (x.Count != y.Count)
            throw new ArgumentException($"The lists have {x.Count} and {y.Count} numbers, expected as many.", nameof(y));
    }
}
