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
    private const string Weight = ".weight";
    private const long MergedAtOnce = 1 << 17; // numbers of a weight

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

    /// <summary>Numbers of an adapter of this model: r · (in + out) for each target.</summary>
    public static long Elements(LlamaConfig model, LoraConfig config) => Targets(model, config).Sum(target => config.R * (target.In + target.Out));

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
    /// <param name="trained">The figures that it was trained with, where they are known: the file of figures has to say the same, for no hash covers it. Null takes the file's word.</param>
    /// <param name="device">Where the model lies; null is main memory.</param>
    /// <exception cref="CheckpointException">A file is missing or damaged, asks for what is not implemented, has other figures, or is of another model.</exception>
    public static LoraAdapter Load(string folder, LlamaConfig model, LoraConfig? trained = null, torch.Device? device = null)
    {
        var path = Path.Combine(folder, LoraFiles.Config);
        var config = LoraConfig.Read(path);
        if (trained is not null) config.RefuseUnless(trained, path);
        using var file = SafeTensors.Open(Path.Combine(folder, LoraFiles.Weights));
        var shapes = Targets(model, config).SelectMany(target => (ParameterShape[])
        [
            new(Key(target.Module, "A"), [config.R, target.In], target.Reason), new(Key(target.Module, "B"), [target.Out, config.R], target.Reason),
        ]).ToList();
        if (file.Tensors.Keys.Except(shapes.Select(shape => shape.Name)).FirstOrDefault() is { } unknown)
            throw new CheckpointException($"'{file.Path}': tensor '{unknown}' belongs to no target of this adapter.");
        foreach (var shape in shapes)
        {
            var entry = file.Tensors.GetValueOrDefault(shape.Name) ?? throw new CheckpointException($"'{file.Path}' has no tensor '{shape.Name}'.");
            shape.Check(entry.Shape);
            if (entry.Type is not ("F32" or "F16" or "BF16")) throw new CheckpointException($"'{file.Path}': tensor '{shape.Name}' has type {entry.Type}, expected F32, F16 or BF16.");
        }

        return new LoraAdapter(model, config, new Parameters(shapes.Select(shape => KeyValuePair.Create(shape.Name, ComputeDevice.Move(file.Read(shape.Name), device)))));
    }

    /// <summary>Writes PEFT's two files, the weights last.</summary>
    /// <param name="folder">Is made where it is missing.</param>
    /// <param name="baseFolder">The model that the adapter belongs to. The file names it from the adapter's own folder, so that both can be moved together; PEFT opens the name as a path
    /// from its working directory.</param>
    /// <returns>SHA-256 of the weights, see <see cref="LoraFiles.Sha256"/>.</returns>
    /// <exception cref="CheckpointException">A file cannot be written.</exception>
    public string Save(string folder, string baseFolder)
    {
        AtomicFile.WriteText(Path.Combine(folder, LoraFiles.Config), Config.ToJson(Path.GetRelativePath(folder, baseFolder)));
        return SafeTensors.Write(Path.Combine(folder, LoraFiles.Weights), Parameters);
    }

    /// <summary>
    /// Adds the adapter's updates to the weights: W + (alpha / r) B A. Products and sums are rounded one by one in a fixed order, so that the bits follow from the numbers on any machine
    /// and with any libtorch, where a matrix product's would not.
    /// </summary>
    internal void MergeInto(Parameters weights)
    {
        foreach (var (name, weight) in weights) MergeInto(name, weight);
    }

    /// <summary>The same for one weight by its name; what is no target's stays as it is.</summary>
    internal void MergeInto(string name, Tensor weight)
    {
        if (!name.EndsWith(Weight, StringComparison.Ordinal) || !_pairs.TryGetValue(name[..^Weight.Length], out var pair)) return;
        using var off = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        // On the CPU wherever the training was; some rows at a time, which then stay in its cache.
        var (a, b) = (pair.A.cpu(), pair.B.cpu()); // (r, in), (out, r)
        var (rows, columns) = (weight.shape[0], weight.shape[1]);
        var some = Math.Max(1, MergedAtOnce / columns);
        for (var row = 0L; row < rows; row += some)
        {
            using var part = torch.NewDisposeScope();
            var (count, merged) = (Math.Min(some, rows - row), weight.narrow(0, row, Math.Min(some, rows - row)));
            var update = torch.zeros([count, columns], device: torch.CPU);
            for (var k = 0; k < Config.R; k++) update.add_(b.narrow(0, row, count).narrow(1, k, 1) * a.narrow(0, k, 1)); // (n, 1) (1, in)
            merged.copy_(merged.cpu() + update * Config.Scale);
        }
    }

    /// <summary>
    /// The same as it was done at first, by a matrix product: there products and sums are fused, so the last bits are others. What was published so is still to be verified; nothing is merged so any more.
    /// </summary>
    internal void MergeAsAtFirst(string name, Tensor weight)
    {
        if (!name.EndsWith(Weight, StringComparison.Ordinal) || !_pairs.TryGetValue(name[..^Weight.Length], out var pair)) return;
        using var off = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var update = Kernels.Linear(pair.B.cpu(), pair.A.cpu().transpose(0, 1).contiguous()) * Config.Scale;
        weight.copy_(weight.cpu() + update);
    }

    /// <summary>
    /// Adds the update for a projection's input x (R, in) to its output y (R, out), where the projection is a target. y itself is written to and returned: a sum beside it would be a second copy of all that a layer
    /// computes, and no gradient needs the output without the update.
    /// </summary>
    internal Tensor AddUpdate(string module, Tensor x, Tensor y, DropoutKey? dropout)
    {
        if (!_pairs.TryGetValue(module, out var pair)) return y;
        if (Config.Dropout > 0 && dropout is { } draw) x = Kernels.Dropout(x, Config.Dropout, draw.Key, pair.Place);
        using var narrow = Kernels.Linear(x, pair.A); // (R, r)
        using var update = Kernels.Linear(narrow, pair.B);
        return y.add_(update.mul_(Config.Scale));
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose() => Parameters.Dispose();

    private static string Key(string module, string part) => $"base_model.model.{module}.lora_{part}{Weight}";

    private static IEnumerable<Target> Targets(LlamaConfig model, LoraConfig config) =>
        from shape in ParameterShape.Of(model)
        where shape.Shape.Count == 2 && config.TargetModules.Any(target => shape.Name.EndsWith($".{target}{Weight}", StringComparison.Ordinal))
        select new Target(shape.Name[..^Weight.Length], shape.Shape[1], shape.Shape[0], shape.Reason);

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
