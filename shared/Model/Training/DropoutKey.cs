namespace SelfRewarding.Model;

/// <summary>Dropout of one forward pass. The mask is drawn from the key, so a step that is repeated after a crash drops the same elements.</summary>
/// <param name="Probability">Share of elements that are dropped; the rest is scaled by 1 / (1 − p).</param>
/// <param name="Key">What the draw is for; each place in the model counts on from it.</param>
public readonly record struct DropoutKey(double Probability, ulong Key)
{
    // Places in a model count from 0, so no mask shares this half of Philox's counter.
    private const ulong Parts = ulong.MaxValue;

    /// <summary>Dropout of a part of a batch: each part has masks of its own, and the first those of an undivided batch.</summary>
    public DropoutKey Of(int part)
    {
        if (part == 0) return this;
        var (low, high, _, _) = Philox.Block(Key, Parts, (ulong)part);
        return this with { Key = ((ulong)high << 32) | low };
    }
}
