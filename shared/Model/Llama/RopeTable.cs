using System.Runtime.InteropServices;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// Cosines and sines of the rotary position embedding (Su et al. 2021) for every position of a model, in Hugging Face's layout: pair i of a head is its elements i and
/// i + D/2. Angle of pair i at position p: p * theta^(-2i/D), the frequencies bent by Llama 3.1's scaling where the config says so.
/// </summary>
public sealed class RopeTable : IDisposable
{
    /// <summary>The table for positions 0 to max_position_embeddings - 1.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="device">Where the model lies; null is main memory.</param>
    public RopeTable(LlamaConfig config, torch.Device? device = null)
    {
        var frequencies = InverseFrequencies(config);
        long[] shape = [config.MaxPositionEmbeddings, frequencies.Length];
        using var scope = torch.NewDisposeScope();
        var (cosines, sines) = (torch.empty(shape), torch.empty(shape));

        // Written in place: the table of a long context is large.
        var cos = MemoryMarshal.Cast<byte, float>(cosines.bytes);
        var sin = MemoryMarshal.Cast<byte, float>(sines.bytes);
        for (var p = 0; p < config.MaxPositionEmbeddings; p++)
        {
            for (var i = 0; i < frequencies.Length; i++)
            {
                // The product is rounded to float32 before the cosine, as transformers rounds it.
                var angle = (double)(p * frequencies[i]);
                cos[p * frequencies.Length + i] = (float)Math.Cos(angle);
                sin[p * frequencies.Length + i] = (float)Math.Sin(angle);
            }
        }

        Cos = cosines.to(device ?? torch.CPU).DetachFromDisposeScope();
        Sin = sines.to(device ?? torch.CPU).DetachFromDisposeScope();
    }

    /// <summary>(P, D/2)</summary>
    public Tensor Cos { get; }

    /// <summary>(P, D/2)</summary>
    public Tensor Sin { get; }

    /// <summary>The D/2 frequencies in radians a position.</summary>
    public static float[] InverseFrequencies(LlamaConfig config)
    {
        var frequencies = new float[config.HeadDim / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            var frequency = 1 / Math.Pow(config.RopeTheta, 2.0 * i / config.HeadDim);
            frequencies[i] = (float)(config.RopeScaling is { } scaling ? Scale(frequency, scaling) : frequency);
        }

        return frequencies;
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Cos.Dispose();
        Sin.Dispose();
    }

    /// <summary>Waves longer than the original context are slowed by the factor, those that fit high_freq_factor times are kept, between them a straight line.</summary>
    private static double Scale(double frequency, Llama3RopeScaling scaling)
    {
        var turns = scaling.OriginalMaxPositionEmbeddings * frequency / (2 * Math.PI);
        if (turns < scaling.LowFreqFactor) return frequency / scaling.Factor;
        if (turns > scaling.HighFreqFactor) return frequency;
        var kept = (turns - scaling.LowFreqFactor) / (scaling.HighFreqFactor - scaling.LowFreqFactor);
        return (1 - kept) * frequency / scaling.Factor + kept * frequency;
    }
}
