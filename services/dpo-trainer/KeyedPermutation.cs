using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>A shuffle that needs no state: where an element goes is computed from the key and its position.</summary>
public static class KeyedPermutation
{
    private const int Rounds = 4;

    /// <summary>
    /// The element at a position of the permutation of 0 … count − 1 that the key names. A Feistel network permutes the next power of four;
    /// what falls outside is walked on until it falls inside (Black &amp; Rogaway, Ciphers with Arbitrary Finite Domains, 2002).
    /// </summary>
    public static int At(int position, int count, ulong key)
    {
        var half = 1;
        while (1L << (2 * half) < count)
            half++;
        var mask = (1u << half) - 1;
        var value = (uint)position;
        do
        {
            var (left, right) = (value >> half, value & mask);
            for (var round = 0UL; round < Rounds; round++)
                (left, right) = (right, left ^ (Philox.Block(key, round, right).Item1 & mask));
            value = (left << half) | right;
        }
        while (value >= count);
        return (int)value;
    }
}
