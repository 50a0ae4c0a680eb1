using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>Whether a published model is the model before with its adapter merged in.</summary>
public static class LoraMerge
{
    /// <summary>
    /// Merges again, a tensor at a time, and compares to the bit. Where weights are published in BF16 or F16, the sum is rounded as it was then: the adapter itself stays float32, so beside the
    /// rounded model it is more exact than that.
    /// </summary>
    /// <param name="parent">The model before.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="merged">The published model.</param>
    /// <param name="trained">The figures that the adapter was trained with.</param>
    /// <returns>The first tensor that is another, in words; null where all are the same.</returns>
    /// <exception cref="CheckpointException">A file is missing, malformed or of another model, or the adapter's figures are others.</exception>
    public static string? Difference(string parent, string adapter, string merged, LoraConfig trained)
    {
        var config = LlamaConfig.Load(Path.Combine(parent, CheckpointFolder.Config));
        using var lora = LoraAdapter.Load(adapter, config, trained);
        using var before = new Folder(parent);
        using var after = new Folder(merged);
        var names = ParameterShape.Of(config).Select(shape => shape.Name).ToList();
        // Adapters were once merged by a matrix product, with other last bits: what was published so is as good, but then it has to be so throughout.
        return names.FirstOrDefault(name => !IsSame(name, lora.MergeInto, before, after)) is { } other && names.Exists(name => !IsSame(name, lora.MergeAsAtFirst, before, after))
            ? $"tensor '{other}' in '{merged}' is not that of '{parent}' with the adapter in '{adapter}'"
            : null;
    }

    private static bool IsSame(string name, Action<string, Tensor> mergeInto, Folder before, Folder after)
    {
        using var scope = torch.NewDisposeScope();
        var (expected, found) = (before.Read(name).Tensor, after.Read(name));
        mergeInto(name, expected);
        var stored = found.Type switch { "F16" => torch.ScalarType.Float16, "BF16" => torch.ScalarType.BFloat16, _ => torch.ScalarType.Float32 };
        expected = expected.to_type(stored).to_type(torch.ScalarType.Float32);
        return expected.shape.AsSpan().SequenceEqual(found.Tensor.shape) && expected.bytes.SequenceEqual(found.Tensor.bytes);
    }

    private sealed class Folder(string path) : IDisposable
    {
        private readonly IReadOnlyList<SafeTensors> _files = WeightFiles.Open(path);

        public (Tensor Tensor, string Type) Read(string name) => _files.FirstOrDefault(file => file.Tensors.ContainsKey(name)) is { } file
            ? (file.Read(name), file.Tensors[name].Type)
            : throw new CheckpointException($"'{path}' has no tensor '{name}'.");

        public void Dispose()
        {
            foreach (var file in _files) file.Dispose();
        }
    }
}
