using System.Diagnostics;
using Npgsql;
using SelfRewarding.Control.Export;
using SelfRewarding.Control.Import;
using SelfRewarding.EventStore;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// Bulk append, 1,000 events a transaction, beside binary COPY into tables with the same keys and indexes; bulk read beside one query; then whole exports and imports of
/// two lengths, whose memory may not grow with them. Two that are compared take turns, and change who goes first.
/// </summary>
public static class BulkBenchmark
{
    private const int Rounds = 9;
    private const int EventsAtOnce = 1000;
    private const int TransactionsATurn = 10;

    private static readonly int[] _lengths = [100_000, 1_000_000];

    // Ten times the events, with as much for what differs from run to run; an import also remembers a version for each stream, some forty bytes.
    private const long MostGrowth = 64 << 20;

    /// <summary>Makes a private cluster in a temporary folder, measures, and removes it.</summary>
    /// <exception cref="InvalidOperationException">Something got lost, or memory grows with what is carried.</exception>
    public static async Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        await TemporaryFolder.UseAsync("bulk-benchmark", async folder =>
        {
            await using var cluster = await PrivateCluster.StartAsync(Path.Combine(folder, "cluster"), cancellationToken);
            await output.WriteLineAsync("| what | event store, 1/s | raw Npgsql, 1/s | ratio |\n|---|--:|--:|--:|");
            foreach (var eachStream in (int[])[EventsAtOnce, 4])
                await AppendAsync(output, cluster, eachStream, cancellationToken);
            await ReadAsync(output, cluster, cancellationToken);
            await output.WriteLineAsync("\n| events | file, MiB | export, 1/s | check, 1/s | import, 1/s | managed peak of the three, MiB |\n|--:|--:|--:|--:|--:|--:|");
            var peaks = new List<MemoryPeak[]>();
            foreach (var length in _lengths)
                peaks.Add(await CarryAsync(output, cluster, folder, length, cancellationToken));
            foreach (var (few, many) in peaks[0].Zip(peaks[^1]))
            {
                if (many.Managed - few.Managed > MostGrowth)
                    throw new InvalidOperationException($"With {_lengths[^1]:N0} events the managed heap peaked {many.Managed - few.Managed:N0} bytes higher than with {_lengths[0]:N0}, expected {MostGrowth:N0} at most.");
            }

            return 0;
        });
    }

    private static async Task AppendAsync(TextWriter output, PrivateCluster cluster, int eachStream, CancellationToken cancellationToken)
    {
        await using var ours = await SchemaAsync(cluster, $"ours_{eachStream}", cancellationToken);
        await using var theirs = await SchemaAsync(cluster, $"raw_{eachStream}", cancellationToken);
        var raw = new RawBulk(theirs);
        await CompareAsync(
            output, $"append {EventsAtOnce:N0} events a transaction, {EventsAtOnce / eachStream} new streams", EventsAtOnce * TransactionsATurn,
            round => TurnAsync(round, events => AppendAsync(ours, events, cancellationToken)),
            round => TurnAsync(round, events => raw.AppendAsync(events, cancellationToken)));

        // What is appended is made without a clock.
        async Task<double> TurnAsync(int round, Func<IReadOnlyList<EventCopy>, Task> append)
        {
            var transactions = BulkEvents.Make(round * EventsAtOnce * TransactionsATurn, EventsAtOnce * TransactionsATurn, eachStream).Chunk(EventsAtOnce).ToList();
            return await TimeAsync(async () =>
            {
                foreach (var events in transactions)
                    await append(events);
            });
        }
    }

    private static async Task ReadAsync(TextWriter output, PrivateCluster cluster, CancellationToken cancellationToken)
    {
        await using var database = await SchemaAsync(cluster, "read", cancellationToken);
        const int Count = 50_000;
        await FillAsync(database, Count, cancellationToken);
        var raw = new RawBulk(database);
        await CompareAsync(
            output, $"read {Count:N0} events", Count,
            _ => TimeAsync(async () => CheckCount(Count, await EventFileWriter.EventsOf(database, [BulkEvents.Run], cancellationToken).LongCountAsync(cancellationToken))),
            _ => TimeAsync(async () => CheckCount(Count, await raw.ReadAsync(cancellationToken))));
    }

    private static async Task<MemoryPeak[]> CarryAsync(TextWriter output, PrivateCluster cluster, string folder, int length, CancellationToken cancellationToken)
    {
        await using var from = await SchemaAsync(cluster, $"from_{length}", cancellationToken);
        await using var to = await SchemaAsync(cluster, $"to_{length}", cancellationToken);
        await FillAsync(from, length, cancellationToken);
        var file = Path.Combine(folder, $"{length}.ndjson");
        var (seconds, peaks) = (new List<double>(), new List<MemoryPeak>());
        await MeasureAsync(() => OutputFile.WriteAsync(file, stream =>
            EventFileWriter.WriteAsync(stream, [BulkEvents.Run], EventFileWriter.EventsOf(from, [BulkEvents.Run], cancellationToken), cancellationToken)));
        var reader = EventFileReader.Open(file);
        await MeasureAsync(() =>
        {
            CheckCount(length, EventImport.Check(reader, cancellationToken).File.Events);
            return Task.CompletedTask;
        });
        await MeasureAsync(() => EventImport.WriteAsync(file, reader.Read(), to, cancellationToken));
        CheckCount(length, await new RawBulk(to).ReadAsync(cancellationToken));
        await output.WriteLineAsync(
            $"| {length:N0} | {new FileInfo(file).Length / 1048576.0:N0} | {string.Join(" | ", seconds.Select(time => $"{length / time:N0}"))} | {string.Join(" / ", peaks.Select(peak => $"{peak.Managed / 1048576.0:F0}"))} |");
        File.Delete(file);
        return [.. peaks];

        async Task MeasureAsync(Func<Task> work) => seconds.Add(await TimeAsync(async () => peaks.Add(await MemoryPeak.OfAsync(work))));
    }

    private static async Task CompareAsync(TextWriter output, string what, int events, Func<int, Task<double>> ours, Func<int, Task<double>> raw)
    {
        var (our, their) = (new List<double>(), new List<double>());
        // The first round warms both up.
        for (var round = 0; round <= Rounds; round++)
        {
            var first = round % 2 == 0 ? await ours(round) : await raw(round);
            var second = round % 2 == 0 ? await raw(round) : await ours(round);
            if (round == 0)
                continue;
            our.Add(round % 2 == 0 ? first : second);
            their.Add(round % 2 == 0 ? second : first);
        }

        await output.WriteLineAsync($"| {what} | {events / Median(our):N0} | {events / Median(their):N0} | {Median(their) / Median(our):F2} |");
    }

    private static async Task<NpgsqlDataSource> SchemaAsync(PrivateCluster cluster, string name, CancellationToken cancellationToken)
    {
        var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { SearchPath = name });
        await using (var create = database.CreateCommand($"create schema {name}"))
            await create.ExecuteNonQueryAsync(cancellationToken);
        await EventStoreSchema.EnsureAsync(database, cancellationToken);
        return database;
    }

    private static async Task FillAsync(NpgsqlDataSource database, int count, CancellationToken cancellationToken)
    {
        foreach (var events in BulkEvents.Make(0, count, 4).Chunk(EventsAtOnce))
            await AppendAsync(database, events, cancellationToken);
    }

    private static async Task AppendAsync(NpgsqlDataSource database, IReadOnlyList<EventCopy> events, CancellationToken cancellationToken)
    {
        await using var bulk = await BulkAppend.BeginAsync(database, cancellationToken);
        await bulk.AppendAsync(events, cancellationToken);
        await bulk.CommitAsync(cancellationToken);
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var started = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static void CheckCount(long expected, long actual)
    {
        if (actual != expected)
            throw new InvalidOperationException($"{actual} events came, expected {expected}.");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
