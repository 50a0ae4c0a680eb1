using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Plan;

/// <summary>What a run takes of memory and disk, in bytes, worked out from the model's shape.</summary>
/// <param name="Weights">One model's weights in the type that they are computed with.</param>
/// <param name="Cache">Keys and values of one model that generates, and what it computes with them at once.</param>
/// <param name="State">Training: weights, gradients and AdamW's two moments in float32 whatever is computed in (with adapters: weights as they are computed with, and the three others for the
/// adapters only).</param>
/// <param name="Merging">With adapters, once they are trained: the model before in float32, which they are merged into.</param>
/// <param name="Activations">Training: what the largest part of a batch keeps for the way back, with its scores over the vocabulary.</param>
/// <param name="Comparing">Training, between two steps: a model that answers or judges beside the policy, where checkpoints are compared.</param>
/// <param name="Keeping">Training with adapters, before that: the model before in float32, merged with the adapter to be compared.</param>
/// <param name="IsOneProcess">Whether all workers are in one process: then it generates and trains beside each other.</param>
public sealed record MemoryNeed(long Weights, long Cache, long State, long Merging, long Activations, long Comparing, long Keeping, bool IsOneProcess)
{
    /// <summary>A worker's runtime, libtorch and what is not counted here.</summary>
    public const long Runtime = 600L << 20;

    private const int Models = 3; // that generate: a pool keeps those before the newest for who still asks
    private const int Rows = 512; // tokens that generation reads at once
    private const int Float = sizeof(float);

    /// <summary>A worker that generates: prompt-gen, sampler, judge or evaluator.</summary>
    public long Generating => (Models * (Weights + Cache)) + Runtime;

    /// <summary>The worker that trains. Nothing is kept for the way back while checkpoints are compared.</summary>
    public long Training => Math.Max(State + Math.Max(Activations, Math.Max(Comparing, Keeping)), Merging) + Runtime;

    /// <summary>The process that needs most. In one process the models that compare are among those that generate.</summary>
    public long Most => IsOneProcess ? Generating + Math.Max(State + Math.Max(Activations, Keeping), Merging) : Math.Max(Generating, Training);

    /// <summary>Works it out.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="settings">What adapters and activations depend on.</param>
    /// <param name="rows">Tokens that go forward and backward at once.</param>
    /// <param name="slots">Sequences that are generated at once.</param>
    /// <param name="isOneProcess">Whether all workers are in one process.</param>
    public static MemoryNeed Of(LlamaConfig config, RunSettings settings, long rows, int slots, bool isOneProcess)
    {
        var parameters = Elements(config);
        var (learned, adapted) = (LearnedElements(config, settings), settings.Lora.Figures() is not null);
        var width = ComputeType.Bytes(ComputeType.Named(settings.Model.ComputeDtype));
        var isCompared = settings.Dpo.EarlyStopping.Every > 0;
        var (weights, cache) = (parameters * width, CacheBytes(config, slots, width) + (Rows * (PerLayer(config) + config.VocabSize) * Float) + Kernels.CachedAttentionBytes);
        return new(
            weights,
            cache,
            State: (parameters * (adapted ? width : Float)) + (3 * learned * Float),
            Merging: adapted ? (parameters + (3 * learned)) * Float : 0,
            Activations: rows * ActivationBytes(config, settings.Train.CheckpointActivations, width),
            Comparing: isCompared ? weights + cache : 0,
            Keeping: isCompared && adapted ? parameters * Float : 0,
            isOneProcess);
    }

    /// <summary>Numbers of a model.</summary>
    public static long Elements(LlamaConfig config) => ParameterShape.Of(config).Sum(parameter => parameter.Elements);

    /// <summary>Numbers that training changes: the adapter's where there is one, or else the model's.</summary>
    public static long LearnedElements(LlamaConfig config, RunSettings settings) => settings.Lora.Figures() is { } lora ? LoraAdapter.Elements(config, lora) : Elements(config);

    /// <summary>Bytes of keys and values: as many slots as there are, and fewer where they would come to more than the engine allows.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="slots">Sequences that are generated at once.</param>
    /// <param name="width">Bytes of a number in it.</param>
    public static long CacheBytes(LlamaConfig config, int slots, int width = Float)
    {
        var usual = new GenerationEngineOptions();
        var slot = KvCache.BytesOfSlot(config, Math.Min(usual.MaxPositions, config.MaxPositionEmbeddings), width);
        return slot * Math.Clamp(usual.CacheBytes / slot, 1, slots);
    }

    // A token through all layers: what the way back needs of each (two inputs, their norms, queries, keys, values, what attention gave, gate, up and their product).
    private static long PerToken(LlamaConfig config) => config.NumHiddenLayers * PerLayer(config);

    private static long PerLayer(LlamaConfig config) => (4L * config.HiddenSize) + (2L * config.NumAttentionHeads * config.HeadDim) + (2L * config.NumKeyValueHeads * config.HeadDim) + (3L * config.IntermediateSize);

    // What is kept, a layer at work, the last norm, and scores over the vocabulary with their gradient. Kernels widen a layer's operands and gradients beside the narrow ones.
    private static long ActivationBytes(LlamaConfig config, bool checkpointed, int width)
    {
        var kept = checkpointed ? ((config.NumHiddenLayers + 1L) * config.HiddenSize) + PerLayer(config) : PerToken(config);
        var atWork = PerLayer(config) * (width == Float ? Float : 2 * Float);
        return (kept * width) + atWork + (((2L * config.HiddenSize) + (2L * config.VocabSize)) * Float);
    }
}
