using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>The slices along a dimension that a vector of indices names.</summary>
        public Tensor index_select(long dim, Tensor index) => Result(Native.sr_index_select(Handle, dim, index.Handle, out var result), result);

        /// <summary>this[index[i][j]][j] for dim 0, and likewise for the others.</summary>
        public Tensor gather(long dim, Tensor index) => Result(Native.sr_gather(Handle, dim, index.Handle, out var result), result);

        /// <summary>A copy with a value where the mask is true.</summary>
        public Tensor masked_fill(Tensor mask, Scalar value) => Result(Native.sr_masked_fill(Handle, mask.Handle, value, out var result), result);

        /// <summary>A copy with zeros above the diagonal.</summary>
        public Tensor tril(long diagonal = 0) => Result(Native.sr_tril(Handle, diagonal, out var result), result);

        /// <summary>The k largest (or smallest) elements along a dimension, and where they are.</summary>
        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) =>
            Results(Native.sr_topk(Handle, k, dim, largest, sorted, out var values, out var indexes), values, indexes);

        /// <summary>The elements in order along a dimension, and where they were; a stable sort keeps equal ones in their order.</summary>
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) =>
            Results(Native.sr_sort(Handle, dim, descending, stable, out var values, out var indexes), values, indexes);

        /// <summary>Draws indices from each row (or the vector) of weights, which need not sum to one.</summary>
        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null)
        {
            var from = generator?.Handle ?? GeneratorHandle.None;
            return Result(Native.sr_multinomial(Handle, num_samples, replacement, from, out var result), result);
        }
    }
}
