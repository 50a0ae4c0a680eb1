namespace SelfRewarding.Datasets.Kata;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Written out here, because a data set
/// is named by its hash and must not change with the runtime's own generator.
/// </summary>
internal sealed class KataRandom(ulong seed)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private ulong _state = seed;

    /// <summary>A generator of its own for each of a seed's data sets, so that the size of one does not change another.</summary>
    public static KataRandom For(ulong seed, ulong set) => new(Mix(Mix(seed + Golden) ^ set));

    public ulong NextBits() => Mix(_state += Golden);

    /// <summary>Uniform in [0, <paramref name="count"/>), by the high half of a 128-bit product (bias below count / 2^64).</summary>
    public int Below(int count) => (int)Math.BigMul(NextBits(), (ulong)count, out _);

    /// <summary>Uniform in [<paramref name="low"/>, <paramref name="high"/>].</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    public bool Chance(double probability) => (NextBits() >> 11) * (1.0 / (1UL << 53)) < probability;

    public T Choose<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    public char Choose(string letters) => letters[Below(letters.Length)];

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
