using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// An n-dimensional array held by libtorch. Freed by <see cref="Dispose"/>, by the scope it was made in, or at last by the garbage
    /// collector. Any failure of native code is an exception with libtorch's sentence.
    /// </summary>
    public sealed partial class Tensor : IDisposable
    {
        private readonly TensorHandle _handle;

        private Tensor(nint handle)
        {
            _handle = new TensorHandle(handle);
            DisposeScope.Current?.Add(this);
        }

        /// <summary>What native code takes.</summary>
        /// <exception cref="ObjectDisposedException">The tensor was disposed, by hand or by its scope.</exception>
        internal TensorHandle Handle
        {
            get
            {
                ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
                return _handle;
            }
        }

        /// <summary>The scope that frees this tensor, and this tensor's place in it.</summary>
        internal DisposeScope? Scope { get; set; }

        internal int ScopeIndex { get; set; }

        /// <summary>Takes ownership of a tensor that native code made, in the current scope.</summary>
        internal static Tensor Wrap(nint handle)
        {
            var tensor = new Tensor(handle);
            NativeMemory.Report();
            return tensor;
        }

        /// <summary><see cref="Wrap"/> of what a native call made, after <see cref="Native.Check"/> of its status.</summary>
        internal static Tensor Result(int status, nint handle)
        {
            Native.Check(status);
            return Wrap(handle);
        }

        private static (Tensor First, Tensor Second) Results(int status, nint first, nint second)
        {
            Native.Check(status);
            return (Wrap(first), Wrap(second));
        }

        /// <summary>Frees the native tensor; a second call does nothing.</summary>
        public void Dispose()
        {
            Scope?.Remove(this);
            _handle.Dispose();
        }

        /// <summary>Hands the tensor to the scope around the one it is in, or to nobody if there is none; returns the tensor.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            Scope?.MoveToOuter(this);
            return this;
        }

        /// <summary>Takes the tensor out of its scope, so that it lives until it is disposed; returns the tensor.</summary>
        public Tensor DetachFromDisposeScope()
        {
            Scope?.Remove(this);
            return this;
        }
    }
}
