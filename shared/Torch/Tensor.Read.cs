using SelfRewarding.Torch;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public sealed partial class Tensor
    {
        /// <summary>The sizes of the dimensions.</summary>
        public long[] shape
        {
            get
            {
                var shape = new long[dim()];
                Native.sr_shape(Handle, shape);
                return shape;
            }
        }

        /// <summary>The size of one dimension; −1 is the last.</summary>
        public long size(int dim)
        {
            Native.Check(Native.sr_size(Handle, dim, out var size));
            return size;
        }

        /// <summary>The number of dimensions.</summary>
        public long dim() => Native.sr_dim(Handle);

        /// <summary>The number of dimensions.</summary>
        public long ndim => dim();

        /// <summary>The number of elements.</summary>
        public long numel() => Native.sr_numel(Handle);

        /// <summary>The bytes of one element.</summary>
        public long element_size() => Native.sr_element_size(Handle);

        /// <summary>The type of the elements.</summary>
        public ScalarType dtype => (ScalarType)Native.sr_type(Handle);

        /// <summary>Where the elements lie.</summary>
        public Device device
        {
            get
            {
                var type = (DeviceType)Native.sr_device_type(Handle);
                return type == DeviceType.CPU ? CPU : new Device(type, Native.sr_device_index(Handle));
            }
        }

        /// <summary>Whether the elements lie in row-major order without gaps.</summary>
        public bool is_contiguous() => Native.sr_is_contiguous(Handle) != 0;

        /// <summary>The one element of this tensor.</summary>
        /// <exception cref="ArgumentException">There are more elements, or T is not their type.</exception>
        public T item<T>() where T : unmanaged
        {
            if (numel() != 1) throw new ArgumentException($"item() reads a tensor of one element, this one has shape {Describe(shape)}.");
            return data<T>()[0];
        }

        /// <summary>Reads and writes the elements in row-major order, wherever they lie.</summary>
        /// <exception cref="ArgumentException">T is not the type of the elements.</exception>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            var expected = ManagedType(dtype);
            if (typeof(T) != expected)
            {
                throw new ArgumentException(
                    $"A tensor of {dtype} and shape {Describe(shape)} is read as {expected?.Name ?? "bytes"}, not as {typeof(T).Name}.");
            }

            return new TensorAccessor<T>(this);
        }

        /// <summary>The elements' memory itself, valid only as long as the tensor is: keep the tensor, and do not dispose it meanwhile.</summary>
        /// <exception cref="InvalidOperationException">The elements do not lie in row-major order in the machine's memory.</exception>
        public Span<byte> bytes
        {
            get
            {
                if (!is_contiguous() || device.type != DeviceType.CPU)
                {
                    var layout = is_contiguous() ? "contiguous" : "strided";
                    throw new InvalidOperationException(
                        $"bytes needs a contiguous tensor on the cpu, this one of shape {Describe(shape)} is {layout} on {device}: call cpu() or contiguous()");
                }

                Native.Check(Native.sr_data(Handle, out var data));
                unsafe
                {
                    return new Span<byte>((void*)data, checked((int)(numel() * element_size())));
                }
            }

            set
            {
                var own = bytes;
                if (value.Length != own.Length)
                {
                    throw new ArgumentException($"A tensor of {dtype} and shape {Describe(shape)} has {own.Length} bytes, {value.Length} were given.");
                }

                value.CopyTo(own);
                GC.KeepAlive(this);
            }
        }

        /// <summary>Shape, type and device; not the elements.</summary>
        public override string ToString() => $"[{string.Join('x', shape)}], type = {dtype}, device = {device}";

        /// <summary>How messages write a shape: [2, 3].</summary>
        internal static string Describe(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";

        private static Type? ManagedType(ScalarType type) => type switch
        {
            ScalarType.Byte => typeof(byte),
            ScalarType.Int8 => typeof(sbyte),
            ScalarType.Int16 => typeof(short),
            ScalarType.Int32 => typeof(int),
            ScalarType.Int64 => typeof(long),
            ScalarType.Float16 => typeof(Half),
            ScalarType.Float32 => typeof(float),
            ScalarType.Float64 => typeof(double),
            ScalarType.Bool => typeof(bool),
            _ => null,
        };
    }
}
