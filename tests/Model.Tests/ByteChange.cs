using System.Text;

namespace SelfRewarding.Tests;

/// <summary>Ways to damage an input that know nothing of its format; fuzz tests add their own to them.</summary>
internal static class ByteChange
{
    /// <summary>How many there are: 0 to this, exclusive.</summary>
    public const int Kinds = 5;

    /// <param name="kind">Which.</param>
    /// <param name="bytes">The input.</param>
    /// <param name="at">Where.</param>
    /// <param name="tokens">Texts that the format gives a meaning.</param>
    /// <param name="random">Draws the rest.</param>
    /// <param name="least">Bytes that are left behind what is cut out.</param>
    public static void Make(int kind, List<byte> bytes, int at, IReadOnlyList<string> tokens, Random random, int least)
    {
        switch (kind)
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(tokens[random.Next(tokens.Count)]));
                break;
            case 3:
                bytes.RemoveRange(at, Math.Min(random.Next(1, 12), bytes.Count - at - least));
                break;
            default: // twice
                bytes.InsertRange(at, bytes[at..Math.Min(bytes.Count, at + random.Next(1, 80))]);
                break;
        }
    }
}
