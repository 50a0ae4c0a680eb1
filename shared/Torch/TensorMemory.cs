namespace SelfRewarding.Torch;

/// <summary>Where the main memory of tensors comes from, and goes to.</summary>
public static class TensorMemory
{
    /// <summary>
    /// Whether tensors have their memory of tcmalloc (native/memory.cpp), as they do where Debian's <c>libtcmalloc-minimal4</c> is installed. Without it a training takes up to twice as much, and more time.
    /// </summary>
    public static bool IsTcMalloc => Native.sr_is_tcmalloc() != 0;

    /// <summary>Gives what tcmalloc keeps of freed tensors for whoever asks next back to the system; does nothing without it.</summary>
    public static void GiveBack() => Native.sr_release_memory();
}
