using System.Runtime.InteropServices;

namespace SelfRewarding.Model;

/// <summary>
/// Memory that was freed and that the C library still holds. It keeps one heap for each of many threads, and blocks below 32 MiB stay there for the next that asks on that thread:
/// most weights, gradients and moments are such. The next model is loaded by another thread, into another heap, so what a training leaves behind would never be used again.
/// </summary>
internal static partial class FreedMemory
{
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
}
