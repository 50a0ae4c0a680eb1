using SelfRewarding.Torch;

namespace TorchSharp.Utils;

/// <summary>
/// Reads and writes a tensor's elements in row-major order. Each call copies: the accessor stays valid until the tensor is disposed, and
/// then throws <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed class TensorAccessor<T> : IDisposable where T : unmanaged
{
    private readonly torch.Tensor _tensor;

    internal TensorAccessor(torch.Tensor tensor) => _tensor = tensor;

    /// <summary>The number of elements.</summary>
    public long Count => _tensor.numel();

    /// <summary>The element at an index per dimension, or at one flat index.</summary>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    public T this[params long[] indices]
    {
        get
        {
            Span<T> value = [default];
            Read(value, Flat(indices));
            return value[0];
        }
        set => Write([value], Flat(indices));
    }

    /// <summary>A copy of all elements.</summary>
    public T[] ToArray()
    {
        var values = new T[Count];
        Read(values, 0);
        return values;
    }

    /// <summary>Copies the elements from <paramref name="tensorIndex"/> on, as many as the array has room for.</summary>
    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    /// <inheritdoc cref="CopyTo(T[], int, long)"/>
    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        CheckStart(tensorIndex);
        var count = (int)Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        Read(array.Slice(arrayIndex, count), tensorIndex);
    }

    /// <summary>Sets the elements from <paramref name="tensorIndex"/> on, as many as the array has values for.</summary>
    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    /// <inheritdoc cref="CopyFrom(T[], int, long)"/>
    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        CheckStart(tensorIndex);
        var count = (int)Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        Write(array.Slice(arrayIndex, count), tensorIndex);
    }

    private void CheckStart(long tensorIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tensorIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tensorIndex, Count);
    }

    /// <summary>Nothing to free: the tensor belongs to its own owner.</summary>
    public void Dispose()
    {
    }

    private unsafe void Read(Span<T> values, long start)
    {
        fixed (T* data = values) Native.Check(Native.sr_read(_tensor.Handle, start, values.Length, (nint)data));
    }

    private unsafe void Write(ReadOnlySpan<T> values, long start)
    {
        fixed (T* data = values) Native.Check(Native.sr_write(_tensor.Handle, start, values.Length, (nint)data));
    }

    private long Flat(long[] indices)
    {
        var shape = _tensor.shape;
        if (indices.Length == 1) shape = [Count];
        if (indices.Length != shape.Length) throw Outside(indices);
        var flat = 0L;
        for (var i = 0; i < indices.Length; i++)
        {
            if (indices[i] < 0 || indices[i] >= shape[i]) throw Outside(indices);
            flat = flat * shape[i] + indices[i];
        }

        return flat;
    }

    private IndexOutOfRangeException Outside(long[] indices) =>
        new($"Index {torch.Tensor.Describe(indices)} is outside a tensor of shape {torch.Tensor.Describe(_tensor.shape)}.");
}
