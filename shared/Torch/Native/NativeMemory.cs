namespace SelfRewarding.Torch;

/// <summary>Tells the garbage collector what the tensors weigh, so that it frees those that nobody disposes of before memory runs out.</summary>
internal static class NativeMemory
{
    private static readonly MemoryPressure _pressure = new(TimeProvider.System);

    /// <summary>The bytes that the garbage collector was told of and not yet relieved of.</summary>
    internal static long Told => _pressure.Told;

    internal static void Report()
    {
        var change = _pressure.Change(Native.sr_live_bytes());
        if (change > 0) GC.AddMemoryPressure(change);
        else if (change < 0) GC.RemoveMemoryPressure(-change);
    }
}
