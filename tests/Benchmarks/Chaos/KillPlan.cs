namespace SelfRewarding.Benchmarks;

/// <summary>What is killed, and how.</summary>
internal enum KillKind
{
    /// <summary><c>kill -9</c> to a worker.</summary>
    Worker,

    /// <summary><c>kill -9</c> to RabbitMQ.</summary>
    Broker,

    /// <summary>The same, and its queues are gone when it comes back.</summary>
    BrokerWithDisk,

    /// <summary><c>kill -9</c> to the server process of somebody's connection: PostgreSQL then ends all others, too, and recovers.</summary>
    Backend,

    /// <summary>PostgreSQL ends somebody's connection (<c>pg_terminate_backend</c>).</summary>
    Connection,
}

/// <summary>Which kills, in which order, and after how many facts each.</summary>
internal static class KillPlan
{
    // What a crash recovery or a new broker interrupts is everybody's work, so those are the rarer ones.
    private static readonly KillKind[] _mixture =
    [
        KillKind.Worker, KillKind.Connection, KillKind.Broker, KillKind.Backend, KillKind.Worker, KillKind.Connection, KillKind.Worker, KillKind.Worker,
    ];

    /// <summary>The fewest kills that have each kind among them.</summary>
    public const int Fewest = 5;

    /// <summary>
    /// A seeded order of kills. The broker loses its disk once, in the middle, when prompts are on their way: at the beginning there is nothing in it to lose.
    /// </summary>
    public static IReadOnlyList<KillKind> Draw(int kills, Random random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(kills, Fewest);
        var others = Enumerable.Range(0, kills - 1).Select(index => _mixture[index % _mixture.Length]).ToArray();
        random.Shuffle(others);
        return [.. others[..(kills / 2)], KillKind.BrokerWithDisk, .. others[(kills / 2)..]];
    }

    /// <summary>After how many facts a kill comes: evenly spread over the first four fifths of a run that has so many of them, so that there is a run left to kill in at the last.</summary>
    public static int DueAfter(int index, int kills, int facts) => (int)((long)facts * 4 * (index + 1) / (5 * kills));
}
