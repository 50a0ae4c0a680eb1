using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// A reader in global order that follows <see cref="LiveWriters"/>: it must get every committed event exactly once and in order, and soon. The latency is from the
/// commit, by PostgreSQL's own record of it (which is a little early: the commit still has to reach the disk), to the moment when the reader has the event; both by
/// this machine's clock. While a transaction is open that holds a lower number, what comes after it has to wait: such times are told apart.
/// </summary>
public static class LiveBenchmark
{
    // How long after the last commit a reader may be missing events before they count as lost.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <summary>Makes a private cluster in a temporary folder, measures, and removes it.</summary>
    /// <param name="duration">How long the writers write.</param>
    /// <exception cref="InvalidOperationException">An event was lost, doubled or out of order; or there was nothing to survive.</exception>
    public static async Task RunAsync(TextWriter output, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        await TemporaryFolder.UseAsync("live-benchmark", async folder =>
        {
            var path = Path.Combine(folder, "cluster");
            await using (var cluster = await PrivateCluster.StartAsync(path, cancellationToken))
            await using (var database = NpgsqlDataSource.Create(cluster.ConnectionString))
            await using (var record = database.CreateCommand("alter system set track_commit_timestamp = on"))
                await record.ExecuteNonQueryAsync(cancellationToken);
            await using (var cluster = await PrivateCluster.StartAsync(path, cancellationToken))
                await MeasureAsync(output, cluster.ConnectionString, duration, cancellationToken);
            return duration;
        });
    }

    private static async Task MeasureAsync(TextWriter output, string connectionString, TimeSpan duration, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        await EventStoreSchema.EnsureAsync(database, cancellationToken);
        await using var theirs = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = LiveWriters.ApplicationName, MaxPoolSize = 40 });
        await using var store = new NpgsqlEventStore(database, TimeProvider.System);

        var got = new List<(long Position, DateTime At)>();
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reader = Task.Run(() => ReadAsync(store, got, reading.Token), cancellationToken);
        using var writing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        writing.CancelAfter(duration);
        var writers = new LiveWriters(theirs);
        await writers.RunAsync(writing.Token);

        var committed = await CommittedAsync(database, cancellationToken);
        await AwaitAsync(got, committed[^1].Position, cancellationToken);
        await reading.CancelAsync();
        await reader;
        await ReportAsync(output, duration, committed, got, writers);
    }

    private static async Task ReadAsync(NpgsqlEventStore store, List<(long, DateTime)> got, CancellationToken stop)
    {
        try
        {
            await foreach (var e in store.FollowAsync(0, stop))
            {
                lock (got)
                    got.Add((e.Position, DateTime.UtcNow));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private static async Task AwaitAsync(List<(long Position, DateTime At)> got, long last, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var until = DateTime.UtcNow + _patience; DateTime.UtcNow < until; await timer.WaitForNextTickAsync(cancellationToken))
        {
            lock (got)
            {
                if (got.Count > 0 && got[^1].Position >= last)
                    return;
            }
        }
    }

    private static async Task<List<(long Position, DateTime At)>> CommittedAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select seq_id, pg_xact_commit_timestamp(xmin) from mt_events order by seq_id");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var committed = new List<(long, DateTime)>();
        while (await reader.ReadAsync(cancellationToken))
            committed.Add((reader.GetInt64(0), reader.GetDateTime(1)));
        return committed;
    }

    private static async Task ReportAsync(
        TextWriter output, TimeSpan duration, List<(long Position, DateTime At)> committed, List<(long Position, DateTime At)> got, LiveWriters writers)
    {
        var received = got.Select(e => e.Position).ToHashSet();
        var lost = committed.Count(e => !received.Contains(e.Position));
        var doubled = got.Count - received.Count;
        var outOfOrder = got.Zip(got.Skip(1)).Count(pair => pair.Second.Position <= pair.First.Position) - doubled;
        var invented = received.Count - (committed.Count - lost);

        var commits = committed.ToDictionary(e => e.Position, e => e.At);
        var seen = got.Where(e => commits.ContainsKey(e.Position)).Select(e => (From: commits[e.Position], To: e.At)).ToList();
        var held = Merge(writers.Held);
        await output.WriteLineAsync($"16 writers for {duration.TotalMinutes:F1} minutes: {committed.Count:N0} events committed, {committed[^1].Position - committed.Count:N0} numbers burnt; {writers.Done}.\n");
        await output.WriteLineAsync("| from commit to processed | events | median, ms | 99 %, ms | most, ms |\n|---|--:|--:|--:|--:|");
        await WriteAsync("no transaction held open", [.. seen.Where(e => !Overlaps(held, e.From, e.To))]);
        await WriteAsync("all", seen);
        await output.WriteLineAsync($"\nLost {lost}, doubled {doubled}, out of order {outOfOrder}, never committed {invented}.");
        if (lost + doubled + outOfOrder + invented > 0)
            throw new InvalidOperationException("The reader did not get every committed event exactly once and in order.");
        if (!writers.WasRough)
            throw new InvalidOperationException("There was nothing to survive: give the benchmark more minutes.");

        async Task WriteAsync(string when, IReadOnlyList<(DateTime From, DateTime To)> events)
        {
            var latencies = events.Select(e => (e.To - e.From).TotalMilliseconds).Order().ToList();
            await output.WriteLineAsync(latencies.Count == 0
                ? $"| {when} | 0 | – | – | – |"
                : $"| {when} | {latencies.Count:N0} | {latencies[latencies.Count / 2]:F1} | {latencies[latencies.Count * 99 / 100]:F1} | {latencies[^1]:F1} |");
        }
    }

    private static List<(DateTime From, DateTime To)> Merge(IEnumerable<(DateTime From, DateTime To)> times)
    {
        var merged = new List<(DateTime From, DateTime To)>();
        foreach (var time in times.OrderBy(time => time.From))
        {
            if (merged.Count > 0 && time.From <= merged[^1].To)
                merged[^1] = (merged[^1].From, time.To > merged[^1].To ? time.To : merged[^1].To);
            else
                merged.Add(time);
        }

        return merged;
    }

    // The first that ends behind the beginning is the only one that can overlap first.
    private static bool Overlaps(List<(DateTime From, DateTime To)> held, DateTime from, DateTime to)
    {
        var (low, high) = (0, held.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (held[middle].To < from)
                low = middle + 1;
            else
                high = middle;
        }

        return low < held.Count && held[low].From <= to;
    }
}
