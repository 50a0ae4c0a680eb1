using System.Runtime.InteropServices;

namespace SelfRewarding.Model;

/// <summary>
/// Memory that was freed and that is still held for whoever asks next: by tcmalloc, which gives pages back slowly, and by the C library, which keeps a heap for each of many threads. A training leaves some gigabytes
/// behind that generation, which asks for other sizes on other threads, would not use for long.
/// </summary>
internal static partial class FreedMemory
{
    /// <summary>Gives it back to the system; the C library's part only where that is glibc.</summary>
    public static void GiveBack()
    {
        Kernels.GiveBackMemory();
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
