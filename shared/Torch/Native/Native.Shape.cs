using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>native/shape.cpp: views and rearrangements.</summary>
internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int sr_view(TensorHandle self, ReadOnlySpan<long> shape, long dims, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_reshape(TensorHandle self, ReadOnlySpan<long> shape, long dims, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_transpose(TensorHandle self, long dim0, long dim1, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_permute(TensorHandle self, ReadOnlySpan<long> order, long dims, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_unsqueeze(TensorHandle self, long dim, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_squeeze(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_squeeze_dim(TensorHandle self, long dim, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_expand(TensorHandle self, ReadOnlySpan<long> shape, long dims, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_contiguous(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_narrow(TensorHandle self, long dim, long start, long length, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_repeat_interleave(TensorHandle self, long repeats, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_repeat_interleave_dim(TensorHandle self, long repeats, long dim, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_cat(ReadOnlySpan<nint> parts, long count, long dim, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_stack(ReadOnlySpan<nint> parts, long count, long dim, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_split(TensorHandle self, long size, long dim, Span<nint> results, long capacity, out long count);

    [LibraryImport(Library)]
    internal static partial int sr_chunk(TensorHandle self, long chunks, long dim, Span<nint> results, long capacity, out long count);
}
