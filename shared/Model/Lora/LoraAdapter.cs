using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// Low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): beside each target's weight W (out, in), which stays as it is, two small ones are learned, and the projection becomes
/// <code>y = W x + (alpha / r) B A x,  A (r, in), B (out, r)</code>
/// B begins at 0, so a fresh adapter changes nothing. Owns its tensors.
/// </summary>
public sealed class LoraAdapter : IDisposable
{
    private readonly Dictionary<string, Pair> _pairs = new(StringComparer.Ordinal);

    private LoraAdapter(LlamaConfig model, LoraConfig config, Parameters parameters)
    {
        (Config, Parameters) = (config, parameters);
        // Dropout's places 0 to 2 layers - 1 are those of the residual stream.
        foreach (var (index, target) in Targets(model, config).Index())
            _pairs[target.Module] = new Pair(parameters[Key(target.Module, "A")], parameters[Key(target.Module, "B")], (ulong)((2 * model.NumHiddenLayers) + index));
    }

    /// <summary>Its figures.</summary>
    public LoraConfig Config { get; }

    /// <summary>A and B of each target under PEFT's names: what an optimiser steps.</summary>
    public Parameters Parameters { get; }

    /// <summary>A fresh adapter: A uniform within ±1/√in (as PEFT has it), B zero; the same seed gives the same numbers.</summary>
    /// <param name="model">The model that it is for.</param>
    /// <param name="config">Its figures.</param>
    /// <param name="seed">What A is drawn by.</param>
    /// <param name="device">Where the model lies; null is main memory.</param>
    /// <exception cref="CheckpointException">The figures cannot be, or a target is no projection of this model.</exception>
    public static LoraAdapter Create(LlamaConfig model, LoraConfig config, ulong seed, torch.Device? device = null)
    {
        config.Check("LoRA");
        return new LoraAdapter(model, config, new Parameters(Targets(model, config).Index().SelectMany(entry => (KeyValuePair<string, Tensor>[])
        [
            KeyValuePair.Create(Key(entry.Item.Module, "A"), Uniform(config.R, entry.Item.In, seed, (ulong)entry.Index, device)),
            KeyValuePair.Create(Key(entry.Item.Module, "B"), torch.zeros([entry.Item.Out, config.R], device: device)),
        ])));
    }

    /// <summary>Reads a folder that <see cref="Save"/> or PEFT wrote.</summary>
    /// <param name="folder">Has <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</param>
    /// <param name="model">The model that it is for.</param>
    /// <param name="device">Where the model lies; null is main memory.</param>
    /// <exception cref="CheckpointException">A file is missing or damaged, asks for what is not implemented, or is of another model.</exception>
    public static LoraAdapter Load(string folder, LlamaConfig model, torch.Device? device = null)
    {
        var config = LoraConfig.Read(Path.Combine(folder, LoraFiles.Config));
        using var file = SafeTensors.Open(Path.Combine(folder, LoraFiles.Weights));
        var shapes = Targets(model, config).SelectMany(target => (ParameterShape[])
        [
            new(Key(target.Module, "A"), [config.R, target.In], target.Reason), new(Key(target.Module, "B"), [target.Out, config.R], target.Reason),
        ]).ToList();
        if (file.Tensors.Keys.Except(shapes.Select(shape => shape.Name)).FirstOrDefault() is { } unknown)
            throw new CheckpointException($"'{file.Path}': tensor '{unknown}' belongs to no target of this adapter.");
        foreach (var shape in shapes)
            shape.Check(file.Tensors.GetValueOrDefault(shape.Name)?.Shape ?? throw new CheckpointException($"'{file.Path}' has no tensor '{shape.Name}'."));
        return new LoraAdapter(model, config, new Parameters(shapes.Select(shape => KeyValuePair.Create(shape.Name, ComputeDevice.Move(file.Read(shape.Name), device)))));
    }

    /// <summary>Writes PEFT's two files, the weights last.</summary>
    /// <param name="folder">Is made where it is missing.</param>
    /// <param name="baseModel">What the file says that the adapter belongs to.</param>
    /// <returns>SHA-256 of the weights, see <see cref="LoraFiles.Sha256"/>.</returns>
    /// <exception cref="CheckpointException">A file cannot be written.</exception>
    public string Save(string folder, string baseModel)
    {
        AtomicFile.WriteText(Path.Combine(folder, LoraFiles.Config), Config.ToJson(baseModel));
        return SafeTensors.Write(Path.Combine(folder, LoraFiles.Weights), Parameters);
    }

    /// <summary>Adds the adapter's updates to the weights: W + (alpha / r) B A, by kernels that give the same bits everywhere.</summary>
    internal void MergeInto(Parameters weights)
    {
        using var off = torch.no_grad();
        foreach (var (module, pair) in _pairs)
        {
            using var scope = torch.NewDisposeScope();
            weights[module + ".weight"].add_(Kernels.Linear(pair.B, pair.A.transpose(0, 1).contiguous()) * Config.Scale);
        }
    }

    /// <summary>A projection's output y (R, out) for its input x (R, in), with the update where the projection is a target.</summary>
    internal Tensor Apply(string module, Tensor x, Tensor y, DropoutKey? dropout)
    {
        if (!_pairs.TryGetValue(module, out var pair)) return y;
        if (Config.Dropout > 0 && dropout is { } draw) x = Kernels.Dropout(x, Config.Dropout, draw.Key, pair.Place);
        return y + Kernels.Linear(Kernels.Linear(x, pair.A), pair.B) * Config.Scale;
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose() => Parameters.Dispose();

    private static string Key(string module, string part) => $"base_model.model.{module}.lora_{part}.weight";

    private static IEnumerable<Target> Targets(LlamaConfig model, LoraConfig config) =>
        from shape in ParameterShape.Of(model)
        where shape.Shape.Count == 2 && config.TargetModules.Any(target => shape.Name.EndsWith($".{target}.weight", StringComparison.Ordinal))
        select new Target(shape.Name[..^".weight".Length], shape.Shape[1], shape.Shape[0], shape.Reason);

    private static Tensor Uniform(long rows, long columns, ulong seed, ulong ordinal, torch.Device? device)
    {
        var bound = 1 / Math.Sqrt(columns);
        var values = new float[rows * columns];
        for (var i = 0; i < values.Length; i++) values[i] = (float)(bound * ((2 * Philox.Uniform(seed, ordinal, (ulong)i)) - 1));
        return torch.tensor(values, [rows, columns], device: device);
    }

    private sealed record Target(string Module, long In, long Out, string Reason);

    private sealed record Pair(Tensor A, Tensor B, ulong Place);
}
