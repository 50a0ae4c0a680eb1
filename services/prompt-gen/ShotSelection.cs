using SelfRewarding.Model;

namespace SelfRewarding.PromptGen;

/// <summary>Which few-shot examples a draft is drawn from: a function of the draw's key.</summary>
public static class ShotSelection
{
    /// <summary>Chooses distinct examples, some of the seed and some that the model made, in shuffled order. Where there are too few of its own, the seed fills up.</summary>
    public static IReadOnlyList<string> Choose(IReadOnlyList<string> seeds, IReadOnlyList<string> own, int seedShots, int ownShots, ulong key)
    {
        var fromOwn = Math.Min(ownShots, own.Count);
        var draws = 0UL;
        List<string> shots = [.. Distinct(own, fromOwn, key, ref draws), .. Distinct(seeds, Math.Min(seeds.Count, seedShots + ownShots - fromOwn), key, ref draws)];
        for (var i = shots.Count - 1; i > 0; i--)
        {
            var j = Below(i + 1, key, ref draws);
            (shots[i], shots[j]) = (shots[j], shots[i]);
        }

        return shots;
    }

    // Floyd's sampling without replacement: exactly `count` draws however long the list is.
    private static List<string> Distinct(IReadOnlyList<string> from, int count, ulong key, ref ulong draws)
    {
        var taken = new HashSet<int>();
        var chosen = new List<string>(count);
        for (var i = from.Count - count; i < from.Count; i++)
        {
            var j = Below(i + 1, key, ref draws);
            var index = taken.Add(j) ? j : i;
            taken.Add(index);
            chosen.Add(from[index]);
        }

        return chosen;
    }

    private static int Below(int bound, ulong key, ref ulong draws) => (int)(Philox.Uniform(key, 0, draws++) * bound);
}
