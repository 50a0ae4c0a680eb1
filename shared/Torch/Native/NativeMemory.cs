namespace SelfRewarding.Torch;

/// <summary>
/// Tells the garbage collector what the tensors weigh. Only changes of <see cref="Step"/> bytes are told: temporaries that a scope frees at
/// once would otherwise drive a full collection every few milliseconds.
/// </summary>
internal static class NativeMemory
{
    internal const long Step = 32 << 20;

    private static long _told;

    /// <summary>The bytes that the garbage collector was told of and not yet relieved of.</summary>
    internal static long Told => Volatile.Read(ref _told);

    internal static void Report()
    {
        var live = Native.sr_live_bytes();
        var told = Volatile.Read(ref _told);
        var change = live - told;
        if (Math.Abs(change) < Step || Interlocked.CompareExchange(ref _told, live, told) != told) return;
        if (change > 0) GC.AddMemoryPressure(change);
        else GC.RemoveMemoryPressure(-change);
    }
}
