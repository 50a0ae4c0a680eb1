using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>The sum of all elements; integers and Bool sum to Int64.</summary>
        public Tensor sum(ScalarType? type = null) => Result(Native.sr_sum(Handle, Options.Number(type), out var result), result);

        /// <summary>Sums along dimensions, which keepdim leaves with size 1.</summary>
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) =>
            Result(Native.sr_sum_dims(Handle, dim, dim.Length, keepdim, Options.Number(type), out var result), result);

        /// <summary>The mean of all elements, which must be real.</summary>
        public Tensor mean() => Result(Native.sr_mean(Handle, out var result), result);

        /// <summary>Means along dimensions, which keepdim leaves with size 1.</summary>
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) =>
            Result(Native.sr_mean_dims(Handle, dimensions, dimensions.Length, keepdim, Options.Number(type), out var result), result);

        /// <summary>The largest element.</summary>
        public Tensor max() => Result(Native.sr_max(Handle, out var result), result);

        /// <summary>The largest elements along a dimension, and where they are.</summary>
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) =>
            Results(Native.sr_max_dim(Handle, dim, keepdim, out var values, out var indexes), values, indexes);

        /// <summary>Where the largest element along a dimension is.</summary>
        public Tensor argmax(long dim, bool keepdim = false) => Result(Native.sr_argmax(Handle, dim, keepdim, out var result), result);

        /// <summary>Running sums along a dimension.</summary>
        public Tensor cumsum(long dim, ScalarType? type = null) =>
            Result(Native.sr_cumsum(Handle, dim, Options.Number(type), out var result), result);

        /// <summary>eˣ over its sum along a dimension; in type dtype, if given.</summary>
        public Tensor softmax(long dim, ScalarType? dtype = null) =>
            Result(Native.sr_softmax(Handle, dim, Options.Number(dtype), out var result), result);

        /// <summary>The logarithm of the softmax, computed without overflow; in type dtype, if given.</summary>
        public Tensor log_softmax(long dim, ScalarType? dtype = null) =>
            Result(Native.sr_log_softmax(Handle, dim, Options.Number(dtype), out var result), result);
    }
}
