#if TORCHSHARP
using System.Runtime.InteropServices;
#else
using SelfRewarding.Torch;
#endif

namespace SelfRewarding.Model;

/// <summary>
/// Memory that was freed and that an allocator still holds for whoever asks next. The C library keeps a heap for each of many threads, and the next model is loaded by another thread, into another heap:
/// what a training leaves behind would never be used again.
/// </summary>
internal static partial class FreedMemory
{
#if !TORCHSHARP
    /// <summary>Gives it back to the system.</summary>
    public static void GiveBack() => TensorMemory.GiveBack();
#else
    /// <summary>Gives it back to the system; does nothing where the C library is not glibc.</summary>
    public static void GiveBack()
    {
        try
        {
            _ = Trim(0);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library gives back in its own way.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
#endif
}
