using System.Runtime.InteropServices;
using TorchSharp;

namespace SelfRewarding.Torch;

/// <summary>native/create.cpp: new tensors.</summary>
internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int sr_zeros(ReadOnlySpan<long> shape, long dims, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_ones(ReadOnlySpan<long> shape, long dims, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_empty(ReadOnlySpan<long> shape, long dims, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_full(ReadOnlySpan<long> shape, long dims, Scalar value, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_zeros_like(TensorHandle like, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_empty_like(TensorHandle like, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_arange(Scalar start, Scalar stop, Scalar step, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_randn(ReadOnlySpan<long> shape, long dims, GeneratorHandle generator, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_rand(ReadOnlySpan<long> shape, long dims, GeneratorHandle generator, Options options, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_from_data(nint data, int type, ReadOnlySpan<long> shape, long dims, Options options, out nint result);
}
