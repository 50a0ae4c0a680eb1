namespace SelfRewarding.Contracts;

/// <summary>What a random draw is for. The numbers are part of the log's meaning: never renumber.</summary>
public enum DrawPurpose
{
    Initialisation = 1,
    SeedData = 2,
    Shots = 3,
    Draft = 4,
    Candidate = 5,
    Judgement = 6,
    Shuffle = 7,
    Dropout = 8,
    Evaluation = 9,
    EvaluationJudgement = 10,
    EftJudgement = 11,
    MetaJudgement = 12,
    Validation = 13,
    ValidationJudgement = 14,
}

/// <summary>
/// The key of a random draw: a function of what the draw is for, never of when, where or beside what it is made. A counter-based
/// generator (Philox) turns the key and a counter into numbers, so results do not depend on batching, order, workers or restarts.
/// </summary>
public static class DrawKey
{
    /// <summary>Mixes the coordinates of a draw into 64 bits.</summary>
    public static ulong For(ulong seed, DrawPurpose purpose, int a = 0, int b = 0, int c = 0, int d = 0)
    {
        var h = Mix(seed + 0x9E3779B97F4A7C15);
        foreach (var part in (ReadOnlySpan<int>)[(int)purpose, a, b, c, d])
            h = Mix(h ^ (uint)part) + 0x9E3779B97F4A7C15;
        return Mix(h);
    }

    // The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a bijection that spreads every bit.
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
