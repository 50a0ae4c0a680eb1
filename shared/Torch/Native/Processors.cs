namespace SelfRewarding.Torch;

/// <summary>
/// How many threads a kernel gets: one a physical core that this process may use. libtorch asks a library that knows processors by their
/// model; on virtual machines it has been seen to count one core of two, and half of the machine stood idle.
/// </summary>
internal static class Processors
{
    private const string Topology = "/sys/devices/system/cpu";

    /// <summary>At least 1. A container's limit counts, as .NET knows it.</summary>
    public static int Count => Math.Clamp(PhysicalCores(), 1, Environment.ProcessorCount);

    // Processors that share a core name the same siblings. Where nothing is said of them, each counts.
    private static int PhysicalCores()
    {
        if (!Directory.Exists(Topology))
            return Environment.ProcessorCount;
        var siblings = Directory.GetDirectories(Topology, "cpu*")
            .Select(processor => Path.Combine(processor, "topology", "thread_siblings_list")).Where(File.Exists)
            .Select(File.ReadAllText).Distinct(StringComparer.Ordinal).Count();
        return siblings > 0 ? siblings : Environment.ProcessorCount;
    }
}
