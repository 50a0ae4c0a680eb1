using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>native/read.cpp: what a tensor is, and its values.</summary>
internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial long sr_dim(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial long sr_numel(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial int sr_type(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial long sr_element_size(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial int sr_device_type(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial int sr_device_index(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial int sr_is_contiguous(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial void sr_shape(TensorHandle self, Span<long> shape);

    [LibraryImport(Library)]
    internal static partial int sr_size(TensorHandle self, long dim, out long size);

    [LibraryImport(Library)]
    internal static partial int sr_data(TensorHandle self, out nint data);

    [LibraryImport(Library)]
    internal static partial int sr_read(TensorHandle self, long start, long count, nint values);

    [LibraryImport(Library)]
    internal static partial int sr_write(TensorHandle self, long start, long count, nint values);
}
