using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>Whether <see cref="backward"/> computes a gradient for this tensor, or for what it was made of.</summary>
        public bool requires_grad
        {
            get => Native.sr_requires_grad(Handle) != 0;
            set => Native.Check(Native.sr_set_requires_grad(Handle, value));
        }

        /// <summary>Sets <see cref="requires_grad"/>; returns this tensor.</summary>
        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        /// <inheritdoc cref="requires_grad_"/>
        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        /// <summary>The sum of what <see cref="backward"/> computed since this was last null or set, under a new object; null if nothing.</summary>
        public Tensor? grad
        {
            get
            {
                Native.Check(Native.sr_grad(Handle, out var result));
                return result == 0 ? null : Wrap(result);
            }

            set => Native.Check(Native.sr_set_grad(Handle, value?.Handle ?? TensorHandle.None));
        }

        /// <summary>Adds to the <see cref="grad"/> of every leaf that requires one the derivative of this tensor, which has one element.</summary>
        public void backward() => Native.Check(Native.sr_backward(Handle));
    }
}
