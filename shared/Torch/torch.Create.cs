using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A vector of the values.</summary>
    public static Tensor tensor(float[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromValues<float>(rawArray, [rawArray.Length], ScalarType.Float32, new Options(dtype, device, requires_grad));

    /// <summary>The values in row-major order, copied.</summary>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    public static Tensor tensor(
        float[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromValues<float>(rawArray, dimensions, ScalarType.Float32, new Options(dtype, device, requires_grad));

    /// <inheritdoc cref="tensor(float[], ScalarType?, Device?, bool)"/>
    public static Tensor tensor(double[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromValues<double>(rawArray, [rawArray.Length], ScalarType.Float64, new Options(dtype, device, requires_grad));

    /// <inheritdoc cref="tensor(float[], ReadOnlySpan{long}, ScalarType?, Device?, bool)"/>
    public static Tensor tensor(
        double[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromValues<double>(rawArray, dimensions, ScalarType.Float64, new Options(dtype, device, requires_grad));

    /// <inheritdoc cref="tensor(float[], ScalarType?, Device?, bool)"/>
    public static Tensor tensor(long[] dataArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromValues<long>(dataArray, [dataArray.Length], ScalarType.Int64, new Options(dtype, device, requires_grad));

    /// <inheritdoc cref="tensor(float[], ReadOnlySpan{long}, ScalarType?, Device?, bool)"/>
    public static Tensor tensor(
        long[] dataArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromValues<long>(dataArray, dimensions, ScalarType.Int64, new Options(dtype, device, requires_grad));

    /// <inheritdoc cref="tensor(float[], ScalarType?, Device?, bool)"/>
    public static Tensor tensor(bool[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromValues<bool>(rawArray, [rawArray.Length], ScalarType.Bool, new Options(dtype, device, requires_grad));

    /// <inheritdoc cref="tensor(float[], ReadOnlySpan{long}, ScalarType?, Device?, bool)"/>
    public static Tensor tensor(
        bool[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromValues<bool>(rawArray, dimensions, ScalarType.Bool, new Options(dtype, device, requires_grad));

    /// <summary>A tensor of zeros; Float32 on the CPU unless said otherwise, as in every factory below.</summary>
    public static Tensor zeros(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        zeros((ReadOnlySpan<long>)size, dtype, device, requires_grad);

    /// <inheritdoc cref="zeros(long[], ScalarType?, Device?, bool)"/>
    public static Tensor zeros(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Tensor.Result(Native.sr_zeros(size, size.Length, new Options(dtype, device, requires_grad), out var result), result);

    /// <summary>A tensor of ones.</summary>
    public static Tensor ones(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        ones((ReadOnlySpan<long>)size, dtype, device, requires_grad);

    /// <inheritdoc cref="ones(long[], ScalarType?, Device?, bool)"/>
    public static Tensor ones(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Tensor.Result(Native.sr_ones(size, size.Length, new Options(dtype, device, requires_grad), out var result), result);

    /// <summary>A tensor whose elements are not set: whatever lay in that memory.</summary>
    public static Tensor empty(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        empty((ReadOnlySpan<long>)size, dtype, device, requires_grad);

    /// <inheritdoc cref="empty(long[], ScalarType?, Device?, bool)"/>
    public static Tensor empty(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Tensor.Result(Native.sr_empty(size, size.Length, new Options(dtype, device, requires_grad), out var result), result);

    /// <summary>A tensor of one value; its type is the value's unless said otherwise.</summary>
    public static Tensor full(long[] size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        full((ReadOnlySpan<long>)size, value, dtype, device, requires_grad);

    /// <inheritdoc cref="full(long[], Scalar, ScalarType?, Device?, bool)"/>
    public static Tensor full(ReadOnlySpan<long> size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Tensor.Result(Native.sr_full(size, size.Length, value, new Options(dtype, device, requires_grad), out var result), result);

    /// <summary>Zeros in the shape, type and device of another tensor, unless said otherwise.</summary>
    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Tensor.Result(Native.sr_zeros_like(input.Handle, new Options(dtype, device, requires_grad), out var result), result);

    /// <summary>Elements that are not set, in the shape, type and device of another tensor, unless said otherwise.</summary>
    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Tensor.Result(Native.sr_empty_like(input.Handle, new Options(dtype, device, requires_grad), out var result), result);

    /// <summary>start, start + step, … below stop; Int64 when all three are integers.</summary>
    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Tensor.Result(Native.sr_arange(start, stop, step, new Options(dtype, device, requires_grad), out var result), result);

    /// <summary>start, start + 1, … below stop; Int64 when both are integers.</summary>
    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    /// <summary>0, 1, … below stop; Int64 when it is an integer.</summary>
    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    /// <summary>Draws from the normal distribution N(0, 1).</summary>
    public static Tensor randn(
        long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        randn((ReadOnlySpan<long>)size, dtype, device, requires_grad, generator);

    /// <inheritdoc cref="randn(long[], ScalarType?, Device?, bool, Generator?)"/>
    public static Tensor randn(
        ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null)
    {
        var from = generator?.Handle ?? GeneratorHandle.None;
        return Tensor.Result(Native.sr_randn(size, size.Length, from, new Options(dtype, device, requires_grad), out var result), result);
    }

    /// <summary>Draws from the uniform distribution over [0, 1).</summary>
    public static Tensor rand(
        long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        rand((ReadOnlySpan<long>)size, dtype, device, requires_grad, generator);

    /// <inheritdoc cref="rand(long[], ScalarType?, Device?, bool, Generator?)"/>
    public static Tensor rand(
        ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null)
    {
        var from = generator?.Handle ?? GeneratorHandle.None;
        return Tensor.Result(Native.sr_rand(size, size.Length, from, new Options(dtype, device, requires_grad), out var result), result);
    }

    private static unsafe Tensor FromValues<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> shape, ScalarType type, Options options)
        where T : unmanaged
    {
        var elements = 1L;
        foreach (var size in shape) elements = checked(elements * size);
        if (elements != values.Length)
        {
            throw new ArgumentException(
                $"Shape {Tensor.Describe(shape)} needs {elements} values, {values.Length} were given.", nameof(values));
        }

        fixed (T* data = values)
        {
            return Tensor.Result(Native.sr_from_data((nint)data, (int)type, shape, shape.Length, options, out var result), result);
        }
    }
}
