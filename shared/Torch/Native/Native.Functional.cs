using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>native/functional.cpp: torch.nn.functional.</summary>
internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int sr_linear(TensorHandle input, TensorHandle weight, TensorHandle bias, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_silu(TensorHandle input, [MarshalAs(UnmanagedType.U1)] bool inPlace, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_logsigmoid(TensorHandle input, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_dropout(
        TensorHandle input, double p, [MarshalAs(UnmanagedType.U1)] bool training, [MarshalAs(UnmanagedType.U1)] bool inPlace, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_softmax(TensorHandle self, long dim, int type, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_log_softmax(TensorHandle self, long dim, int type, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_cross_entropy(
        TensorHandle input, TensorHandle target, TensorHandle weight, long ignoreIndex, long reduction, double labelSmoothing, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_scaled_dot_product_attention(
        TensorHandle query, TensorHandle key, TensorHandle value, TensorHandle mask, double dropout,
        [MarshalAs(UnmanagedType.U1)] bool causal, out nint result);
}
