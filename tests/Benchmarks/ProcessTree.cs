using System.Globalization;

namespace SelfRewarding.Benchmarks;

/// <summary>Processor time and memory of a process and of all that it started, those that have ended included.</summary>
/// <param name="ResidentBytes">What lies in memory; pages that processes share are counted for each.</param>
internal readonly record struct ProcessTree(TimeSpan Cpu, long ResidentBytes, int Processes)
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux that .NET runs on

    /// <summary>The process whose command line has an argument with this in it, and which no other such process started.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static int Find(string argument)
    {
        var all = Read();
        bool Matches(int id) => CommandLine(id).Contains(argument, StringComparison.Ordinal);
        var found = all.Keys.Where(id => id != Environment.ProcessId && Matches(id)).ToHashSet();
        return found.Where(id => !found.Contains(all[id].Parent)).Order().Select(id => (int?)id).FirstOrDefault()
            ?? throw new InvalidOperationException($"No process has '{argument}' in its command line.");
    }

    /// <summary>What these processes and their descendants have used so far.</summary>
    public static ProcessTree Of(IEnumerable<int> roots)
    {
        var all = Read();
        var children = all.ToLookup(process => process.Value.Parent, process => process.Key);
        var (open, ticks, pages, count) = (new Stack<int>(roots), 0L, 0L, 0);
        while (open.TryPop(out var id))
        {
            if (!all.TryGetValue(id, out var process))
                continue;
            (ticks, pages, count) = (ticks + process.Ticks, pages + process.Pages, count + 1);
            foreach (var child in children[id])
                open.Push(child);
        }

        return new(TimeSpan.FromSeconds(ticks / TicksPerSecond), pages * Environment.SystemPageSize, count);
    }

    private static Dictionary<int, (int Parent, long Ticks, long Pages)> Read()
    {
        var processes = new Dictionary<int, (int, long, long)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder.AsSpan()), CultureInfo.InvariantCulture, out var id) || ReadFile($"{folder}/stat") is not { Length: > 0 } line)
                continue;
            // The name, which may hold anything, ends at the last bracket. Then: state, parent, …; see proc(5).
            var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
            var ticks = fields[11..15].Sum(field => long.Parse(field, CultureInfo.InvariantCulture)); // its own and its ended children's, user and system
            processes[id] = (int.Parse(fields[1], CultureInfo.InvariantCulture), ticks, long.Parse(fields[21], CultureInfo.InvariantCulture));
        }

        return processes;
    }

    private static string CommandLine(int id) => ReadFile($"/proc/{id}/cmdline");

    // A process may end at any time.
    private static string ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
