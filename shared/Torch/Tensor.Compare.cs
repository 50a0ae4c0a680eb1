using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>Where x = y: a Bool tensor.</summary>
        public Tensor eq(Tensor target) => Result(Native.sr_eq(Handle, target.Handle, out var result), result);

        /// <summary>Where x = y: a Bool tensor.</summary>
        public Tensor eq(Scalar target) => Result(Native.sr_eq_scalar(Handle, target, out var result), result);

        /// <summary>Where x ≠ y: a Bool tensor.</summary>
        public Tensor ne(Tensor target) => Result(Native.sr_ne(Handle, target.Handle, out var result), result);

        /// <summary>Where x ≠ y: a Bool tensor.</summary>
        public Tensor ne(Scalar target) => Result(Native.sr_ne_scalar(Handle, target, out var result), result);

        /// <summary>Where x &lt; y: a Bool tensor.</summary>
        public Tensor lt(Tensor target) => Result(Native.sr_lt(Handle, target.Handle, out var result), result);

        /// <summary>Where x &lt; y: a Bool tensor.</summary>
        public Tensor lt(Scalar target) => Result(Native.sr_lt_scalar(Handle, target, out var result), result);

        /// <summary>Where x &gt; y: a Bool tensor.</summary>
        public Tensor gt(Tensor target) => Result(Native.sr_gt(Handle, target.Handle, out var result), result);

        /// <summary>Where x &gt; y: a Bool tensor.</summary>
        public Tensor gt(Scalar target) => Result(Native.sr_gt_scalar(Handle, target, out var result), result);

        /// <summary>Where x ≤ y: a Bool tensor.</summary>
        public Tensor le(Tensor target) => Result(Native.sr_le(Handle, target.Handle, out var result), result);

        /// <summary>Where x ≤ y: a Bool tensor.</summary>
        public Tensor le(Scalar target) => Result(Native.sr_le_scalar(Handle, target, out var result), result);

        /// <summary>Where x ≥ y: a Bool tensor.</summary>
        public Tensor ge(Tensor target) => Result(Native.sr_ge(Handle, target.Handle, out var result), result);

        /// <summary>Where x ≥ y: a Bool tensor.</summary>
        public Tensor ge(Scalar target) => Result(Native.sr_ge_scalar(Handle, target, out var result), result);
    }
}
