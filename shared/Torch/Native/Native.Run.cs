using System.Runtime.InteropServices;

namespace SelfRewarding.Torch;

/// <summary>native/gradients.cpp, run.cpp and memory.cpp: gradients, copies, threads, devices, random generators and memory.</summary>
internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int sr_requires_grad(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial int sr_set_requires_grad(TensorHandle self, [MarshalAs(UnmanagedType.U1)] bool requiresGrad);

    [LibraryImport(Library)]
    internal static partial int sr_grad(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_set_grad(TensorHandle self, TensorHandle grad);

    [LibraryImport(Library)]
    internal static partial int sr_backward(TensorHandle self);

    [LibraryImport(Library)]
    internal static partial int sr_detach(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_clone(TensorHandle self, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_to(TensorHandle self, Options options, [MarshalAs(UnmanagedType.U1)] bool copy, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_grad_mode();

    [LibraryImport(Library)]
    internal static partial void sr_set_grad_mode([MarshalAs(UnmanagedType.U1)] bool enabled);

    [LibraryImport(Library)]
    internal static partial int sr_enter_inference_mode([MarshalAs(UnmanagedType.U1)] bool enabled, out nint guard);

    [LibraryImport(Library)]
    internal static partial void sr_leave_inference_mode(nint guard);

    [LibraryImport(Library)]
    internal static partial int sr_set_num_threads(int threads);

    [LibraryImport(Library)]
    internal static partial int sr_get_num_threads();

    [LibraryImport(Library)]
    internal static partial int sr_has_cuda();

    [LibraryImport(Library)]
    internal static partial int sr_manual_seed(long seed);

    [LibraryImport(Library)]
    internal static partial int sr_generator(ulong seed, int deviceType, int deviceIndex, out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_default_generator(out nint result);

    [LibraryImport(Library)]
    internal static partial int sr_generator_seed(GeneratorHandle generator, long seed);

    [LibraryImport(Library)]
    internal static partial void sr_free_generator(nint generator);

    [LibraryImport(Library)]
    internal static partial int sr_is_tcmalloc();

    [LibraryImport(Library)]
    internal static partial void sr_release_memory();
}
