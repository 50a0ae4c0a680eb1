namespace SelfRewarding.Model;

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011): a number is a function of its key and its
/// counter, so it can be drawn again at any time, in any order, on any machine.
/// </summary>
public static class Philox
{
    /// <summary>The four words of one block. Key and counter words are taken low half first, as in Random123.</summary>
    public static (uint, uint, uint, uint) Block(ulong key, ulong counterHigh, ulong counterLow)
    {
        var (c0, c1, c2, c3) = ((uint)counterLow, (uint)(counterLow >> 32), (uint)counterHigh, (uint)(counterHigh >> 32));
        var (k0, k1) = ((uint)key, (uint)(key >> 32));
        for (var round = 0; round < 10; round++)
        {
            var product0 = 0xD2511F53UL * c0;
            var product1 = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ k0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ k1, (uint)product0);
            k0 = unchecked(k0 + 0x9E3779B9u);
            k1 = unchecked(k1 + 0xBB67AE85u);
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>A number in [0, 1) with 53 random bits: the upper bits of the block's first two words.</summary>
    public static double Uniform(ulong key, ulong counterHigh, ulong counterLow)
    {
        var (low, high, _, _) = Block(key, counterHigh, counterLow);
        return ((((ulong)high << 32) | low) >> 11) * (1.0 / (1UL << 53));
    }
}
