using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Seeds the default generator of every device, and returns the CPU's.</summary>
    public static Generator manual_seed(long seed)
    {
        Native.Check(Native.sr_manual_seed(seed));
        return Generator.Default;
    }

    /// <summary>How many threads one operation may use; at least 1.</summary>
    public static void set_num_threads(int num) => Native.Check(Native.sr_set_num_threads(num));

    /// <summary>How many threads one operation may use.</summary>
    public static int get_num_threads() => Native.sr_get_num_threads();

    /// <summary>A random generator with a state of its own.</summary>
    public sealed class Generator : IDisposable
    {
        private readonly GeneratorHandle _handle;

        /// <param name="seed">Where its sequence starts.</param>
        /// <param name="device">The device of the tensors it will fill; the CPU if left out.</param>
        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = device ?? CPU;
            Native.Check(Native.sr_generator(seed, (int)this.device.type, this.device.index, out var generator));
            _handle = new GeneratorHandle(generator);
        }

        private Generator(GeneratorHandle handle)
        {
            device = CPU;
            _handle = handle;
        }

        /// <summary>The CPU's generator that operations draw from when none is named.</summary>
        public static Generator Default
        {
            get
            {
                Native.Check(Native.sr_default_generator(out var generator));
                return new Generator(new GeneratorHandle(generator));
            }
        }

        /// <summary>The device of the tensors it fills.</summary>
        public Device device { get; }

        internal GeneratorHandle Handle
        {
            get
            {
                ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
                return _handle;
            }
        }

        /// <summary>Starts the sequence of <paramref name="seed"/>; returns this generator.</summary>
        public Generator manual_seed(long seed)
        {
            Native.Check(Native.sr_generator_seed(Handle, seed));
            return this;
        }

        /// <summary>Lets go of the generator; the default one lives on.</summary>
        public void Dispose() => _handle.Dispose();
    }
}
