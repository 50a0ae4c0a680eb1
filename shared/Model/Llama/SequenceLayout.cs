using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// How sequences lie one after another in a tensor's rows, without padding: sequence i is rows Offsets[i] to Offsets[i+1]. R = all tokens of all sequences.
/// </summary>
public sealed class SequenceLayout : IDisposable
{
    private SequenceLayout(Tensor offsets, Tensor positions)
    {
        Offsets = offsets.DetachFromDisposeScope();
        Positions = positions.DetachFromDisposeScope();
    }

    /// <summary>(S + 1) int64, in main memory wherever the rows are: what goes through the sequences one by one reads them there.</summary>
    public Tensor Offsets { get; }

    /// <summary>(R) int64: each row's place in its sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>The layout whose sequence i is rows offsets[i] to offsets[i + 1]; the first offset is 0, the last the number of rows.</summary>
    /// <param name="offsets">Where sequences begin.</param>
    /// <param name="device">Where the model lies; null is main memory.</param>
    public static SequenceLayout Of(int[] offsets, torch.Device? device = null)
    {
        var positions = new long[offsets[^1]];
        for (var i = 0; i + 1 < offsets.Length; i++)
        {
            for (var row = offsets[i]; row < offsets[i + 1]; row++) positions[row] = row - offsets[i];
        }

        return new SequenceLayout(torch.tensor(Array.ConvertAll(offsets, offset => (long)offset), device: torch.CPU), torch.tensor(positions, device: device));
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Offsets.Dispose();
        Positions.Dispose();
    }
}
