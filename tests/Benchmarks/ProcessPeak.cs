using System.Diagnostics;

namespace SelfRewarding.Benchmarks;

/// <summary>The most memory of this process since it was last asked, as the kernel counts it: mapped files that lie in memory are part of it.</summary>
internal static class ProcessPeak
{
    /// <summary>Bytes; and counting begins anew from what there is now.</summary>
    public static long Take()
    {
        using var self = Process.GetCurrentProcess();
        var peak = self.PeakWorkingSet64;
        File.WriteAllText("/proc/self/clear_refs", "5"); // sets VmHWM back, see proc(5)
        return peak;
    }
}
