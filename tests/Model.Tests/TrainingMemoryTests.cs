using Shouldly;

namespace SelfRewarding.Model.Tests;

/// <summary>What a step takes at its peak beyond weights and gradients, as the kernel counts it for this process: so these run by themselves, too.</summary>
[Collection(nameof(LiveTensorTests))]
public sealed class TrainingMemoryTests
{
    private const int Rows = 8 * 256;

    private static readonly LlamaConfig s_deep = new()
    {
        HiddenSize = 128, IntermediateSize = 512, NumHiddenLayers = 12, NumAttentionHeads = 4, NumKeyValueHeads = 4, HeadDim = 32, VocabSize = 512, MaxPositionEmbeddings = 256,
    };

    [Fact]
    public void Checkpointed_activations_take_less_than_half_of_the_memory()
    {
        var (kept, again) = (Peak(0, checkpointed: false), Peak(0, checkpointed: true));

        kept.ShouldBeGreaterThan(12L * Rows * (4 * 128 + 4 * 512) * sizeof(float), "what twelve layers computed must be in it");
        again.ShouldBeLessThan(kept / 2);
    }

    [Fact]
    public void A_batch_in_eight_parts_takes_less_than_half_of_the_memory() => Peak(1, checkpointed: false).ShouldBeLessThan(Peak(0, checkpointed: false) / 2);

    private static long Peak(int microBatch, bool checkpointed)
    {
        using var model = Llama.Create(s_deep, seed: 3);
        model.Parameters.RequireGradients(true);
        var ids = Enumerable.Range(0, 256).Select(i => (i * 37) % 512).ToArray();
        TrainingSequence[] batch = [.. Enumerable.Range(0, Rows / 256).Select(i => new TrainingSequence(ids[..(64 + i)], ids[(64 + i)..]))];
        var gradients = new BatchGradients(model, microBatch, checkpointed);
        gradients.Supervised(batch[..1]); // the gradients themselves are there from now on
        return MemoryPeak.Of(() => gradients.Supervised(batch));
    }
}
