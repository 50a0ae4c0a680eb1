using System.Runtime.InteropServices;
using TorchSharp;

namespace SelfRewarding.Torch;

/// <summary>native/arithmetic.cpp: elementwise arithmetic, products, sums and maxima.</summary>
internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int sr_neg(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_abs(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_exp(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_log(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_sqrt(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_rsqrt(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_cos(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_sin(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_sigmoid(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_reciprocal(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_add(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_add_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_sub(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_sub_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_mul(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_mul_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_div(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_div_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_eq(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_eq_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_ne(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_ne_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_lt(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_lt_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_gt(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_gt_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_le(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_le_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_ge(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_ge_scalar(TensorHandle self, Scalar other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_add_(TensorHandle self, TensorHandle other);

    [LibraryImport(Library)]
    internal static partial int sr_add__scalar(TensorHandle self, Scalar other);

    [LibraryImport(Library)]
    internal static partial int sr_sub_(TensorHandle self, TensorHandle other);

    [LibraryImport(Library)]
    internal static partial int sr_sub__scalar(TensorHandle self, Scalar other);

    [LibraryImport(Library)]
    internal static partial int sr_mul_(TensorHandle self, TensorHandle other);

    [LibraryImport(Library)]
    internal static partial int sr_mul__scalar(TensorHandle self, Scalar other);

    [LibraryImport(Library)]
    internal static partial int sr_div_(TensorHandle self, TensorHandle other);

    [LibraryImport(Library)]
    internal static partial int sr_div__scalar(TensorHandle self, Scalar other);

    [LibraryImport(Library)]
    internal static partial int sr_pow(TensorHandle self, Scalar exponent, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_matmul(TensorHandle self, TensorHandle other, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_copy_(TensorHandle self, TensorHandle source);

    [LibraryImport(Library)]
    internal static partial int sr_zero_(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial int sr_fill_(TensorHandle self, Scalar value);

    [LibraryImport(Library)]
    internal static partial int sr_sum(TensorHandle self, int type, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_sum_dims(
        TensorHandle self, ReadOnlySpan<long> dims, long count, [MarshalAs(UnmanagedType.U1)] bool keepdim, int type, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_mean(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_mean_dims(
        TensorHandle self, ReadOnlySpan<long> dims, long count, [MarshalAs(UnmanagedType.U1)] bool keepdim, int type, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_max(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_argmax(TensorHandle self, long dim, [MarshalAs(UnmanagedType.U1)] bool keepdim, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_cumsum(TensorHandle self, long dim, int type, out nint result);
}
