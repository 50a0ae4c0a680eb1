using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>The same elements in another shape, one size of which may be −1; the strides must allow it.</summary>
        public Tensor view(params long[] shape) => Result(Native.sr_view(Handle, shape, shape.Length, out var result), result);

        /// <summary>Like <see cref="view"/>, with a copy where the strides do not allow it.</summary>
        public Tensor reshape(params long[] shape) => Result(Native.sr_reshape(Handle, shape, shape.Length, out var result), result);

        /// <summary>A view with two dimensions exchanged.</summary>
        public Tensor transpose(long dim0, long dim1) => Result(Native.sr_transpose(Handle, dim0, dim1, out var result), result);

        /// <summary>A view with the dimensions in another order.</summary>
        public Tensor permute(params long[] permutation) =>
            Result(Native.sr_permute(Handle, permutation, permutation.Length, out var result), result);

        /// <summary>A view with a new dimension of size 1.</summary>
        public Tensor unsqueeze(long dim) => Result(Native.sr_unsqueeze(Handle, dim, out var result), result);

        /// <summary>A view without a dimension of size 1, or without any.</summary>
        public Tensor squeeze(long? dim = null) => dim is { } known
            ? Result(Native.sr_squeeze_dim(Handle, known, out var one), one)
            : Result(Native.sr_squeeze(Handle, out var all), all);

        /// <summary>A view that repeats dimensions of size 1; −1 keeps a size.</summary>
        public Tensor expand(params long[] sizes) => Result(Native.sr_expand(Handle, sizes, sizes.Length, out var result), result);

        /// <summary>The same elements in row-major order, copied only if they are not.</summary>
        public Tensor contiguous() => Result(Native.sr_contiguous(Handle, out var result), result);

        /// <summary>A view of length slices along a dimension.</summary>
        public Tensor narrow(long dim, long start, long length) => Result(Native.sr_narrow(Handle, dim, start, length, out var result), result);

        /// <summary>A copy with each slice along a dimension repeated; of the flat elements if there is no dimension.</summary>
        public Tensor repeat_interleave(long repeats, long? dim = null) => dim is { } known
            ? Result(Native.sr_repeat_interleave_dim(Handle, repeats, known, out var along), along)
            : Result(Native.sr_repeat_interleave(Handle, repeats, out var flat), flat);

        /// <summary>Views of size slices each along a dimension; the last may be smaller.</summary>
        public Tensor[] split(long size, int dim = 0)
        {
            var parts = new nint[size > 0 ? this.size(dim) / size + 1 : 1];
            return Parts(Native.sr_split(Handle, size, dim, parts, parts.Length, out var count), parts, count);
        }

        /// <summary>At most that many views of equal size along a dimension; the last may be smaller.</summary>
        public Tensor[] chunk(long chunks, long dim = 0L)
        {
            var parts = new nint[Math.Max(chunks, 1)];
            return Parts(Native.sr_chunk(Handle, chunks, dim, parts, parts.Length, out var count), parts, count);
        }

        private static Tensor[] Parts(int status, nint[] parts, long count)
        {
            Native.Check(status);
            return Array.ConvertAll(parts[..(int)count], Wrap);
        }
    }
}
