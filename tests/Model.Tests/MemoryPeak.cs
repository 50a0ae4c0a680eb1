using System.Globalization;

namespace SelfRewarding.Model.Tests;

/// <summary>How much more of this process is in memory at the peak of some work than before it, as the kernel counts it. Whoever asks runs by itself.</summary>
internal static class MemoryPeak
{
    private const string Status = "/proc/self/status", Reset = "/proc/self/clear_refs";

    /// <summary>Bytes; skips the test where the kernel does not say.</summary>
    public static long Of(Action work)
    {
        Assert.SkipUnless(File.Exists(Reset), $"{Reset} is not on this machine: the kernel does not say what a peak was");
        // What earlier work freed goes back to the kernel first: memory that is only taken again would not be seen.
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        FreedMemory.GiveBack();
        File.WriteAllText(Reset, "5"); // the peak is what is in use now
        var before = Kilobytes("VmRSS");
        work();
        return (Kilobytes("VmHWM") - before) * 1024;
    }

    private static long Kilobytes(string field)
    {
        var line = File.ReadLines(Status).First(line => line.StartsWith(field + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].TrimStart(), CultureInfo.InvariantCulture);
    }
}
