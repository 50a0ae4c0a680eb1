using System.Runtime.InteropServices;
using TorchSharp;

namespace SelfRewarding.Torch;

/// <summary>native/select.cpp: picking elements by index, by mask, by order, by chance.</summary>
internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int sr_index_select(TensorHandle self, long dim, TensorHandle index, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_gather(TensorHandle self, long dim, TensorHandle index, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_scatter_(TensorHandle self, long dim, TensorHandle index, TensorHandle source);

    [LibraryImport(Library)]
    internal static partial int sr_index_copy_(TensorHandle self, long dim, TensorHandle index, TensorHandle source);

    [LibraryImport(Library)]
    internal static partial int sr_masked_fill(TensorHandle self, TensorHandle mask, Scalar value, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_where(TensorHandle condition, TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_tril(TensorHandle self, long diagonal, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_max_dim(TensorHandle self, long dim, [MarshalAs(UnmanagedType.U1)] bool keepdim, out nint values, out nint indexes);

    [LibraryImport(Library)]
    internal static partial int sr_topk(
        TensorHandle self, long k, long dim, [MarshalAs(UnmanagedType.U1)] bool largest,
        [MarshalAs(UnmanagedType.U1)] bool sorted, out nint values, out nint indexes);

    [LibraryImport(Library)]
    internal static partial int sr_sort(
        TensorHandle self, long dim, [MarshalAs(UnmanagedType.U1)] bool descending,
        [MarshalAs(UnmanagedType.U1)] bool stable, out nint values, out nint indexes);

    [LibraryImport(Library)]
    internal static partial int sr_multinomial(
        TensorHandle self, long samples, [MarshalAs(UnmanagedType.U1)] bool replacement, GeneratorHandle generator, out nint result);
}
