using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>native/kernels: the fused operations.</summary>
internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int sr_kernel_linear(TensorHandle x, TensorHandle weight, TensorHandle bias, int scores, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_embedding(TensorHandle ids, TensorHandle weight, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_rms_norm(TensorHandle x, TensorHandle weight, double eps, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_rotary(TensorHandle x, TensorHandle cos, TensorHandle sin, TensorHandle positions, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_swiglu(TensorHandle gate, TensorHandle up, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_attention(
        TensorHandle q, TensorHandle k, TensorHandle v, TensorHandle offsets, double scale, long window, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_cached_attention(
        TensorHandle q,
        TensorHandle k,
        TensorHandle v,
        TensorHandle keyCache,
        TensorHandle valueCache,
        TensorHandle slots,
        TensorHandle positions,
        double scale,
        long window,
        out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_copy_cache(TensorHandle keyCache, TensorHandle valueCache, long fromSlot, long toSlot, long length);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_log_probs(TensorHandle logits, TensorHandle targets, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_dropout(TensorHandle x, double p, ulong key, ulong counter, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_adamw(
        TensorHandle param,
        TensorHandle grad,
        TensorHandle expAvg,
        TensorHandle expAvgSq,
        long step,
        double lr,
        double beta1,
        double beta2,
        double eps,
        double weightDecay,
        double gradScale);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_squared_norm(TensorHandle x, out double result);

    [LibraryImport(Library)]
    internal static partial int sr_kernel_sample(
        TensorHandle logits,
        TensorHandle temperature,
        TensorHandle topP,
        TensorHandle topK,
        TensorHandle uniform,
        out nint tokens,
        out nint logProbs);

    [LibraryImport(Library)]
    internal static partial nint sr_kernel_instructions();
}
