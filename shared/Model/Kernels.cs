#if !TORCHSHARP
using SelfRewarding.Torch;
using TorchSharp;
#endif
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// The fused operations of the model: native for Float32 and BFloat16 in main memory, composed of tensor operations for everything else. Rows R are the tokens of all sequences, one
/// after another, without padding. What each does is said at <see cref="ComposedKernels"/>.
/// </summary>
public static class Kernels
{
    /// <summary>Whether the memory of tensors is what <c>plan</c> reckons with: without tcmalloc training may take half as much again.</summary>
    public static bool SparesMemory =>
#if !TORCHSHARP
        TensorMemory.IsTcMalloc;
#else
        false;
#endif

    /// <summary>Gives what tensors have freed back to the system.</summary>
    public static void GiveBackMemory()
    {
#if !TORCHSHARP
        TensorMemory.GiveBack();
#endif
    }

    /// <inheritdoc cref="ComposedKernels.Linear"/>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null) =>
#if !TORCHSHARP
        IsNative(x) ? NativeKernels.Linear(x, weight, bias) :
#endif
        ComposedKernels.Linear(x, weight, bias);

    /// <inheritdoc cref="ComposedKernels.Scores"/>
    public static Tensor Scores(Tensor x, Tensor weight) =>
#if !TORCHSHARP
        IsNative(x) ? NativeKernels.Scores(x, weight) :
#endif
        ComposedKernels.Scores(x, weight);

    /// <inheritdoc cref="ComposedKernels.Embedding"/>
    public static Tensor Embedding(Tensor ids, Tensor weight) =>
#if !TORCHSHARP
        IsNative(weight) ? NativeKernels.Embedding(ids, weight) :
#endif
        ComposedKernels.Embedding(ids, weight);

    /// <inheritdoc cref="ComposedKernels.RmsNorm"/>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double eps) =>
#if !TORCHSHARP
        IsNative(x) ? NativeKernels.RmsNorm(x, weight, eps) :
#endif
        ComposedKernels.RmsNorm(x, weight, eps);

    /// <inheritdoc cref="ComposedKernels.Rotary"/>
    public static Tensor Rotary(Tensor x, Tensor cos, Tensor sin, Tensor positions) =>
#if !TORCHSHARP
        IsNative(x) ? NativeKernels.Rotary(x, cos, sin, positions) :
#endif
        ComposedKernels.Rotary(x, cos, sin, positions);

    /// <inheritdoc cref="ComposedKernels.SwiGlu"/>
    public static Tensor SwiGlu(Tensor gate, Tensor up) =>
#if !TORCHSHARP
        IsNative(gate) ? NativeKernels.SwiGlu(gate, up) :
#endif
        ComposedKernels.SwiGlu(gate, up);

    /// <inheritdoc cref="ComposedKernels.Attention"/>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, Tensor offsets, double scale, long window = long.MaxValue) =>
#if !TORCHSHARP
        IsNative(q) ? NativeKernels.Attention(q, k, v, offsets, scale, window) :
#endif
        ComposedKernels.Attention(q, k, v, offsets, scale, window);

    /// <summary>Room for the keys or values of one layer, (slots, length, K, D). Few sequences are as long as a slot, and memory that nobody has touched takes none.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="type">What the model computes in.</param>
    /// <param name="device">Where the model lies; null is main memory.</param>
    public static Tensor NewCache(long[] shape, torch.ScalarType type, torch.Device? device = null)
    {
        var cache = torch.empty(shape, dtype: type, device: device);
#if !TORCHSHARP
        // No position is read before it is written.
        if (IsNative(cache)) return cache;
#endif
        // Composed attention reads all positions up to the furthest and weighs those of others with 0, which garbage could make NaN.
        return cache.zero_();
    }

    /// <summary>Bytes of main memory that cached attention takes beside the cache. The native one packs what a head of one sequence sees, which is little.</summary>
    public static long CachedAttentionBytes =>
#if TORCHSHARP
        ComposedKernels.CachedAttentionBytes;
#else
        0;
#endif

    /// <inheritdoc cref="ComposedKernels.CachedAttention(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, double, long)"/>
    public static Tensor CachedAttention(
        Tensor q, Tensor k, Tensor v, Tensor keyCache, Tensor valueCache, Tensor slots, Tensor positions, double scale, long window = long.MaxValue) =>
#if !TORCHSHARP
        IsNative(q) ? NativeKernels.CachedAttention(q, k, v, keyCache, valueCache, slots, positions, scale, window) :
#endif
        ComposedKernels.CachedAttention(q, k, v, keyCache, valueCache, slots, positions, scale, window);

    /// <inheritdoc cref="ComposedKernels.CopyCache"/>
    public static void CopyCache(Tensor keyCache, Tensor valueCache, long fromSlot, long toSlot, long length)
    {
#if !TORCHSHARP
        if (IsNative(keyCache))
        {
            NativeKernels.CopyCache(keyCache, valueCache, fromSlot, toSlot, length);
            return;
        }
#endif
        ComposedKernels.CopyCache(keyCache, valueCache, fromSlot, toSlot, length);
    }

    /// <inheritdoc cref="ComposedKernels.LogProbs"/>
    public static Tensor LogProbs(Tensor logits, Tensor targets) =>
#if !TORCHSHARP
        IsFloat(logits) ? NativeKernels.LogProbs(logits, targets) :
#endif
        ComposedKernels.LogProbs(logits, targets);

    /// <inheritdoc cref="ComposedKernels.Dropout"/>
    public static Tensor Dropout(Tensor x, double p, ulong key, ulong counter) =>
#if !TORCHSHARP
        IsNative(x) ? NativeKernels.Dropout(x, p, key, counter) :
#endif
        ComposedKernels.Dropout(x, p, key, counter);

    /// <inheritdoc cref="ComposedKernels.AdamW"/>
    public static void AdamW(
        Tensor param,
        Tensor grad,
        Tensor expAvg,
        Tensor expAvgSq,
        long step,
        double lr,
        double beta1,
        double beta2,
        double eps,
        double weightDecay,
        double gradScale = 1)
    {
#if !TORCHSHARP
        if (IsFloat(param))
        {
            NativeKernels.AdamW(param, grad, expAvg, expAvgSq, step, lr, beta1, beta2, eps, weightDecay, gradScale);
            return;
        }
#endif
        ComposedKernels.AdamW(param, grad, expAvg, expAvgSq, step, lr, beta1, beta2, eps, weightDecay, gradScale);
    }

    /// <inheritdoc cref="ComposedKernels.SquaredNorm"/>
    public static double SquaredNorm(Tensor x) =>
#if !TORCHSHARP
        IsFloat(x) ? NativeKernels.SquaredNorm(x) :
#endif
        ComposedKernels.SquaredNorm(x);

    /// <inheritdoc cref="ComposedKernels.Sample"/>
    public static (Tensor Tokens, Tensor LogProbs) Sample(Tensor logits, Tensor temperature, Tensor topP, Tensor topK, Tensor uniform) =>
#if !TORCHSHARP
        IsFloat(logits) ? NativeKernels.Sample(logits, temperature, topP, topK, uniform) :
#endif
        ComposedKernels.Sample(logits, temperature, topP, topK, uniform);

#if !TORCHSHARP
    /// <summary>Set where a test wants what runs on other devices; it goes along to the threads that are started there.</summary>
    internal static AsyncLocal<bool> OnlyComposed { get; } = new();

    private static bool IsNative(Tensor x) => x.dtype is torch.ScalarType.Float32 or torch.ScalarType.BFloat16 && x.device.type == DeviceType.CPU && !OnlyComposed.Value;

    // What is always Float32: scores, losses, master weights.
    private static bool IsFloat(Tensor x) => x.dtype == torch.ScalarType.Float32 && IsNative(x);
#endif
}
