using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>x + y; shapes broadcast, and types promote, in this and every operation of two tensors.</summary>
        public Tensor add(Tensor target) => Result(Native.sr_add(Handle, target.Handle, out var result), result);

        /// <summary>x + y.</summary>
        public Tensor add(Scalar scalar) => Result(Native.sr_add_scalar(Handle, scalar, out var result), result);

        /// <summary>x − y.</summary>
        public Tensor sub(Tensor target) => Result(Native.sr_sub(Handle, target.Handle, out var result), result);

        /// <summary>x − y.</summary>
        public Tensor sub(Scalar target) => Result(Native.sr_sub_scalar(Handle, target, out var result), result);

        /// <summary>x · y, element by element.</summary>
        public Tensor mul(Tensor target) => Result(Native.sr_mul(Handle, target.Handle, out var result), result);

        /// <summary>x · y.</summary>
        public Tensor mul(Scalar target) => Result(Native.sr_mul_scalar(Handle, target, out var result), result);

        /// <summary>x / y; integers become reals.</summary>
        public Tensor div(Tensor target) => Result(Native.sr_div(Handle, target.Handle, out var result), result);

        /// <summary>x / y; integers become reals.</summary>
        public Tensor div(Scalar target) => Result(Native.sr_div_scalar(Handle, target, out var result), result);

        /// <summary>Matrix product over the last two dimensions, batched over the others.</summary>
        public Tensor matmul(Tensor target) => Result(Native.sr_matmul(Handle, target.Handle, out var result), result);

        /// <summary>x to a power.</summary>
        public Tensor pow(Scalar exponent) => Result(Native.sr_pow(Handle, exponent, out var result), result);

        /// <summary>−x.</summary>
        public Tensor neg() => Result(Native.sr_neg(Handle, out var result), result);

        /// <summary>|x|.</summary>
        public Tensor abs() => Result(Native.sr_abs(Handle, out var result), result);

        /// <summary>eˣ.</summary>
        public Tensor exp() => Result(Native.sr_exp(Handle, out var result), result);

        /// <summary>Natural logarithm.</summary>
        public Tensor log() => Result(Native.sr_log(Handle, out var result), result);

        /// <summary>√x.</summary>
        public Tensor sqrt() => Result(Native.sr_sqrt(Handle, out var result), result);

        /// <summary>1 / √x.</summary>
        public Tensor rsqrt() => Result(Native.sr_rsqrt(Handle, out var result), result);

        /// <summary>Cosine of radians.</summary>
        public Tensor cos() => Result(Native.sr_cos(Handle, out var result), result);

        /// <summary>Sine of radians.</summary>
        public Tensor sin() => Result(Native.sr_sin(Handle, out var result), result);

        /// <summary>1 / (1 + e⁻ˣ).</summary>
        public Tensor sigmoid() => Result(Native.sr_sigmoid(Handle, out var result), result);

        /// <summary>1 / x.</summary>
        public Tensor reciprocal() => Result(Native.sr_reciprocal(Handle, out var result), result);

        /// <summary>x · sigmoid(x).</summary>
        public Tensor silu() => nn.functional.silu(this);

        public static Tensor operator +(Tensor left, Tensor right) => left.add(right);

        public static Tensor operator +(Tensor left, Scalar right) => left.add(right);

        public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);

        public static Tensor operator -(Tensor left, Scalar right) => left.sub(right);

        public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);

        public static Tensor operator *(Tensor left, Scalar right) => left.mul(right);

        public static Tensor operator /(Tensor left, Tensor right) => left.div(right);

        public static Tensor operator /(Tensor left, Scalar right) => left.div(right);

        public static Tensor operator +(Scalar left, Tensor right) => right.add(left);

        public static Tensor operator *(Scalar left, Tensor right) => right.mul(left);

        public static Tensor operator -(Scalar left, Tensor right)
        {
            using var negative = right.neg();
            return negative.add(left);
        }

        public static Tensor operator /(Scalar left, Tensor right)
        {
            using var inverse = right.reciprocal();
            return inverse.mul(left);
        }

        public static Tensor operator -(Tensor tensor) => tensor.neg();
    }
}
