using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>x ← x + y; returns this tensor, as every operation whose name ends so.</summary>
        public Tensor add_(Tensor target) => Same(Native.sr_add_(Handle, target.Handle));

        /// <summary>x ← x + y.</summary>
        public Tensor add_(Scalar scalar) => Same(Native.sr_add__scalar(Handle, scalar));

        /// <summary>x ← x − y; returns this tensor, as every operation whose name ends so.</summary>
        public Tensor sub_(Tensor target) => Same(Native.sr_sub_(Handle, target.Handle));

        /// <summary>x ← x − y.</summary>
        public Tensor sub_(Scalar target) => Same(Native.sr_sub__scalar(Handle, target));

        /// <summary>x ← x · y; returns this tensor, as every operation whose name ends so.</summary>
        public Tensor mul_(Tensor target) => Same(Native.sr_mul_(Handle, target.Handle));

        /// <summary>x ← x · y.</summary>
        public Tensor mul_(Scalar target) => Same(Native.sr_mul__scalar(Handle, target));

        /// <summary>x ← x / y; returns this tensor, as every operation whose name ends so.</summary>
        public Tensor div_(Tensor target) => Same(Native.sr_div_(Handle, target.Handle));

        /// <summary>x ← x / y.</summary>
        public Tensor div_(Scalar target) => Same(Native.sr_div__scalar(Handle, target));

        /// <summary>Takes the source's elements; its shape broadcasts, and its type and device may differ.</summary>
        public Tensor copy_(Tensor source) => Same(Native.sr_copy_(Handle, source.Handle));

        /// <summary>Sets every element to 0.</summary>
        public Tensor zero_() => Same(Native.sr_zero_(Handle));

        /// <summary>Sets every element to a value.</summary>
        public Tensor fill_(Scalar value) => Same(Native.sr_fill_(Handle, value));

        /// <summary>Writes src[i][j] at this[index[i][j]][j] for dim 0, and likewise for the others.</summary>
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Same(Native.sr_scatter_(Handle, dim, index.Handle, src.Handle));

        /// <summary>Writes the i-th slice of the source along a dimension at index[i].</summary>
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Same(Native.sr_index_copy_(Handle, dim, index.Handle, source.Handle));

        private Tensor Same(int status)
        {
            Native.Check(status);
            return this;
        }
    }
}
