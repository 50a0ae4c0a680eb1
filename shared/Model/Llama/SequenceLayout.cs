using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// How sequences lie one after another in a tensor's rows, without padding: sequence i is rows Offsets[i] to Offsets[i+1]. R = all tokens of all sequences.
/// </summary>
public sealed class SequenceLayout : IDisposable
{
    /// <summary>The layout of sequences of these lengths, each at least 1.</summary>
    public SequenceLayout(IReadOnlyList<int> lengths)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        Lengths = lengths;
        var offsets = new long[lengths.Count + 1];
        for (var i = 0; i < lengths.Count; i++)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(lengths[i], 1, nameof(lengths));
            offsets[i + 1] = offsets[i] + lengths[i];
        }

        var positions = new long[offsets[^1]];
        for (var i = 0; i < lengths.Count; i++)
        {
            for (var p = 0; p < lengths[i]; p++) positions[offsets[i] + p] = p;
        }

        Offsets = torch.tensor(offsets).DetachFromDisposeScope();
        Positions = torch.tensor(positions).DetachFromDisposeScope();
    }

    /// <summary>Tokens of each sequence.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>(S + 1) int64</summary>
    public Tensor Offsets { get; }

    /// <summary>(R) int64: each row's place in its sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Offsets.Dispose();
        Positions.Dispose();
    }
}
