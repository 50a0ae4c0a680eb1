using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// Parameters of an untrained model, the same for the same seed on every machine: normal weights of standard deviation 0.02, the projections into the residual stream scaled by
/// 1/sqrt(2 layers) (GPT-2's rule), norms 1, biases 0.
/// </summary>
internal static class FreshParameters
{
    private const double StandardDeviation = 0.02;

    public static Parameters Make(LlamaConfig config, ulong seed) =>
        new(ParameterShape.Of(config).Select((shape, ordinal) => KeyValuePair.Create(shape.Name, Make(shape, config, seed, (ulong)ordinal))));

    private static Tensor Make(ParameterShape shape, LlamaConfig config, ulong seed, ulong ordinal)
    {
        long[] size = [.. shape.Shape];
        if (shape.Name.EndsWith("norm.weight", StringComparison.Ordinal)) return torch.ones(size);
        if (shape.Name.EndsWith(".bias", StringComparison.Ordinal)) return torch.zeros(size);
        var deviation = shape.IsResidual ? StandardDeviation / Math.Sqrt(2 * config.NumHiddenLayers) : StandardDeviation;
        var values = new float[shape.Elements];
        for (var i = 0; i < values.Length; i += 2)
        {
            // Box-Muller: two uniforms give two normals. 1 - u is never 0, so the logarithm is finite.
            var radius = deviation * Math.Sqrt(-2 * Math.Log(1 - Philox.Uniform(seed, ordinal, (ulong)i)));
            var angle = 2 * Math.PI * Philox.Uniform(seed, ordinal, (ulong)i + 1);
            values[i] = (float)(radius * Math.Cos(angle));
            if (i + 1 < values.Length) values[i + 1] = (float)(radius * Math.Sin(angle));
        }

        return torch.tensor(values, size.AsSpan());
    }
}
