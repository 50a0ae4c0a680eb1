namespace SelfRewarding.Hosting;

/// <summary>
/// How long what passes by itself (<see cref="Transient"/>) is waited for, the same everywhere: a database or a broker that is restarted, moved or upgraded is back within a
/// quarter of an hour, and nobody has to send anything again. What lasts longer wants a person.
/// </summary>
public static class Pauses
{
    /// <summary>Work that fails for a reason that passes is tried again for this long before it is given up; the attempts themselves come on top.</summary>
    public static readonly TimeSpan Promise = TimeSpan.FromMinutes(15);

    // Long enough that a server that comes back is not run over, short enough that nobody waits for a worker that sleeps.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(250), Longest = TimeSpan.FromSeconds(10);

    // In one process nobody else starts the database again: its end is the run's, and the same command goes on.
    private const int TriesInOneProcess = 5;

    /// <summary>The pauses between attempts that together keep the promise.</summary>
    public static IReadOnlyList<TimeSpan> All { get; } = [.. UntilPromiseIsKept()];

    /// <summary>The pauses where all workers are one process.</summary>
    public static IReadOnlyList<TimeSpan> InOneProcess { get; } = [.. All.Take(TriesInOneProcess)];

    /// <summary>The pause after so many failures in a row, for what is never given up.</summary>
    /// <param name="failures">From 1 on.</param>
    public static TimeSpan After(int failures) => All[Math.Min(failures, All.Count) - 1];

    private static IEnumerable<TimeSpan> UntilPromiseIsKept()
    {
        var (pause, sum) = (Shortest, TimeSpan.Zero);
        for (; sum < Promise; sum += pause, pause = pause * 2 < Longest ? pause * 2 : Longest)
            yield return pause;
    }
}
