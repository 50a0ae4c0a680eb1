using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>Keys and values of past tokens in the type that the model computes in, allocated once: for each layer (slots, length, K, D). A slot holds one running sequence.</summary>
public sealed class KvCache : IDisposable
{
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;

    /// <param name="config">The model's shape.</param>
    /// <param name="slots">Sequences that can run at once.</param>
    /// <param name="length">Tokens that each may have.</param>
    /// <param name="device">Where the model lies; null is main memory.</param>
    /// <param name="type">What the model computes in.</param>
    public KvCache(LlamaConfig config, int slots, int length, torch.Device? device = null, torch.ScalarType type = torch.ScalarType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        Slots = slots;
        Length = length;
        long[] shape = [slots, length, config.NumKeyValueHeads, config.HeadDim];
        _keys = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(_ => Kernels.NewCache(shape, type, device).DetachFromDisposeScope())];
        _values = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(_ => Kernels.NewCache(shape, type, device).DetachFromDisposeScope())];
    }

    /// <summary>Bytes of one slot in all layers, keys and values.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="length">Tokens that it may have.</param>
    /// <param name="width">Bytes of a number.</param>
    public static long BytesOfSlot(LlamaConfig config, int length, int width) => 2L * config.NumHiddenLayers * length * config.NumKeyValueHeads * config.HeadDim * width;

    /// <summary>Sequences that can run at once.</summary>
    public int Slots { get; }

    /// <summary>Tokens that each may have.</summary>
    public int Length { get; }

    internal Tensor Keys(int layer) => _keys[layer];

    internal Tensor Values(int layer) => _values[layer];

    /// <summary>Copies the first <paramref name="length"/> tokens of one slot to another: several answers to one prompt share its prefill.</summary>
    public void Copy(int from, int to, int length)
    {
        for (var layer = 0; layer < _keys.Length; layer++) Kernels.CopyCache(_keys[layer], _values[layer], from, to, length);
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in _keys) tensor.Dispose();
        foreach (var tensor in _values) tensor.Dispose();
    }
}
