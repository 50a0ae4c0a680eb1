using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>What loading takes at its peak, as the kernel counts it for this process: so these run by themselves, too.</summary>
[Collection(nameof(LiveTensorTests))]
public sealed class LoadMemoryTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("memory");

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData("F32")]
    [InlineData("BF16")]
    [InlineData("F16")]
    public void Loading_takes_at_most_a_tenth_more_than_the_weights_in_float32(string type)
    {
        var weights = 4 * Save(type);
        LoadedModel? loaded = null;

        var growth = MemoryPeak.Of(() => loaded = CheckpointFolder.Load(_root.FullName));

        using var model = loaded.ShouldNotBeNull();
        model.Files.Types.Count.ShouldBe(type == "F32" ? 0 : model.Model.Parameters.Count);
        growth.ShouldBeGreaterThan(weights * 9 / 10, "the weights themselves must be in it");
        growth.ShouldBeLessThanOrEqualTo(weights * 11 / 10, $"{weights >> 20} MiB of weights");
    }

    [Theory]
    [InlineData("F32")]
    [InlineData("BF16")]
    public void Loading_to_compute_in_bfloat16_takes_at_most_a_tenth_more_than_the_weights_in_it(string type)
    {
        var weights = 2 * Save(type);
        LoadedModel? loaded = null;

        var growth = MemoryPeak.Of(() => loaded = CheckpointFolder.Load(_root.FullName, compute: torch.ScalarType.BFloat16));

        using var model = loaded.ShouldNotBeNull();
        model.Model.Parameters.ShouldAllBe(parameter => parameter.Value.dtype == torch.ScalarType.BFloat16);
        growth.ShouldBeGreaterThan(weights * 8 / 10, "the weights themselves must be in it, but for what memory of earlier tests they find");
        growth.ShouldBeLessThanOrEqualTo(weights * 11 / 10, $"{weights >> 20} MiB of weights");
    }

    /// <summary>Saves a model of 82 million weights without ever having it in memory; returns how many.</summary>
    private long Save(string type)
    {
        using var scope = torch.NewDisposeScope();
        var config = new LlamaConfig
        {
            HiddenSize = 1024, IntermediateSize = 4096, NumHiddenLayers = 1, NumAttentionHeads = 16, NumKeyValueHeads = 4, HeadDim = 64, VocabSize = 32000, MaxPositionEmbeddings = 512,
            EosTokenIds = [257],
        };
        var one = torch.ones([1]);
        var tensors = ParameterShape.Of(config).Select(shape => KeyValuePair.Create(shape.Name, one.expand([.. shape.Shape]))).ToList();
        File.WriteAllText(Path.Combine(_root.FullName, "config.json"), config.ToJson());
        File.WriteAllText(Path.Combine(_root.FullName, "tokenizer.json"), ByteLevelTokenizer.ForKata().ToJson());
        SafeTensorsWriter.Write(
            Path.Combine(_root.FullName, "model.safetensors"), tensors, type == "F32" ? null : tensors.ToDictionary(tensor => tensor.Key, _ => type));
        return tensors.Sum(tensor => tensor.Value.numel());
    }
}
