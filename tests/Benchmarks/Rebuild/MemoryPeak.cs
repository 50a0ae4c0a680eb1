namespace SelfRewarding.Benchmarks;

/// <summary>The most managed memory, and the most memory of the whole process, while something is done: beyond what there was before, looked at every few milliseconds.</summary>
/// <param name="Managed">Bytes of the managed heap, garbage not yet collected included.</param>
/// <param name="WorkingSet">Bytes of the process in memory.</param>
internal sealed record MemoryPeak(long Managed, long WorkingSet)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Does it, and watches.</summary>
    public static async Task<MemoryPeak> OfAsync(Func<Task> work)
    {
        var (managed, workingSet) = (GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
        var peak = new MemoryPeak(0, 0);
        var working = Task.Run(work);
        using var timer = new PeriodicTimer(_pause);
        while (!working.IsCompleted && await timer.WaitForNextTickAsync())
            peak = new MemoryPeak(Math.Max(peak.Managed, GC.GetTotalMemory(false) - managed), Math.Max(peak.WorkingSet, Environment.WorkingSet - workingSet));
        await working;
        return peak;
    }
}
