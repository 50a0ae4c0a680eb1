using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>A copy in another type; the tensor itself, under a new object, if it is in that type.</summary>
        public Tensor to_type(ScalarType type, bool copy = false) => Result(Native.sr_to(Handle, new Options(type), copy, out var result), result);

        /// <summary>A copy in another type; the tensor itself, under a new object, if it is in that type.</summary>
        public Tensor to(ScalarType type, bool copy = false) => Result(Native.sr_to(Handle, new Options(type), copy, out var result), result);

        /// <summary>A copy on another device; the tensor itself, under a new object, if it is there.</summary>
        public Tensor to(Device device, bool copy = false) =>
            Result(Native.sr_to(Handle, new Options(device: device), copy, out var result), result);

        /// <summary>A copy in another type and on another device.</summary>
        public Tensor to(ScalarType type, Device device, bool copy = false) =>
            Result(Native.sr_to(Handle, new Options(type, device), copy, out var result), result);

        /// <summary><see cref="to(Device, bool)"/> the machine's memory.</summary>
        public Tensor cpu() => to(CPU);

        /// <summary><see cref="to(Device, bool)"/> a GPU, the current one if none is named.</summary>
        public Tensor cuda(Device? device = null) => to(device ?? CUDA);

        /// <summary>The same elements outside the graph of gradients.</summary>
        public Tensor detach() => Result(Native.sr_detach(Handle, out var result), result);

        /// <summary>A copy, through which gradients flow.</summary>
        public Tensor clone() => Result(Native.sr_clone(Handle, out var result), result);
    }
}
