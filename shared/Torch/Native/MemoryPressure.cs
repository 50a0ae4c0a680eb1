namespace SelfRewarding.Torch;

/// <summary>
/// How much native memory the garbage collector should reckon with. Told of every change, it would collect the whole heap every few
/// milliseconds: a training step's activations come and go, and the scopes that free them need no collector. So a rise is told at once, in
/// steps of <see cref="Step"/>, and a fall only when <see cref="Window"/> has passed below: a loop whose peaks are alike tells nothing.
/// </summary>
/// <param name="time">Measures the window.</param>
internal sealed class MemoryPressure(TimeProvider time)
{
    /// <summary>The least change that is told, in bytes.</summary>
    internal const long Step = 32 << 20;

    /// <summary>How long a peak is remembered: longer than a training step, shorter than a run's stages.</summary>
    internal static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    private long _told, _peak, _began = time.GetTimestamp();

    /// <summary>The bytes that were told of and not yet taken back.</summary>
    internal long Told => Volatile.Read(ref _told);

    /// <summary>What to tell now; from any thread.</summary>
    /// <param name="live">The bytes that are held now.</param>
    /// <returns>Bytes to add, to remove where negative, or 0.</returns>
    internal long Change(long live)
    {
        // Two threads that raise the peak at once may keep the lower one: a fall is told a window early then.
        if (live > Volatile.Read(ref _peak)) Volatile.Write(ref _peak, live);
        var told = Told;
        if (live - told >= Step) return Tell(live, told);
        if (told - live < Step) return 0;
        var began = Volatile.Read(ref _began);
        if (time.GetElapsedTime(began) < Window || Interlocked.CompareExchange(ref _began, time.GetTimestamp(), began) != began) return 0;
        var peak = Interlocked.Exchange(ref _peak, live);
        return told - peak < Step ? 0 : Tell(peak, told);
    }

    private long Tell(long bytes, long told) => Interlocked.CompareExchange(ref _told, bytes, told) == told ? bytes - told : 0;
}
