using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using SelfRewarding.EventStore;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// The event store beside raw Npgsql on the same tables: one unprepared batch a transaction for appends, one query for reads. The two take turns within one run, and the
/// table gives the ratio of their medians: on a machine that does other things, too, only that can be compared.
/// </summary>
public static class EventStoreBenchmark
{
    private const int Rounds = 9;
    private const int PayloadBytes = 489;
    private const int StreamLength = 1000;

    private static readonly TimeSpan _turn = TimeSpan.FromMilliseconds(600);
    private static readonly byte[] _payload = JsonSerializer.SerializeToUtf8Bytes(new Payload(7, new string('x', PayloadBytes - 24)));

    /// <summary>Makes a private cluster in a temporary folder, measures, and removes it.</summary>
    public static async Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        var folder = Directory.CreateTempSubdirectory("event-store-benchmark-").FullName;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute);
        try
        {
            await using var cluster = await PrivateCluster.StartAsync(Path.Combine(folder, "cluster"), cancellationToken);
            await using var dataSource = NpgsqlDataSource.Create(cluster.ConnectionString);
            await EventStoreSchema.EnsureAsync(dataSource, cancellationToken);
            await using var store = new NpgsqlEventStore(dataSource, TimeProvider.System);
            await MeasureAsync(output, dataSource, store, cancellationToken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureAsync(TextWriter output, NpgsqlDataSource dataSource, NpgsqlEventStore store, CancellationToken cancellationToken)
    {
        await output.WriteLineAsync("| what | writers | event store, 1/s | raw Npgsql, 1/s | ratio |\n|---|--:|--:|--:|--:|");
        foreach (var writers in (int[])[1, 4, 16])
        {
            await CompareAsync(
                "append 1 event, new stream", writers,
                (stream, i) => store.AppendAsync($"{stream}-{i}", 0, [NewEvent()], cancellationToken),
                (stream, i) => RawAppendAsync(dataSource, $"{stream}-{i}", 0, cancellationToken));
        }

        foreach (var writers in (int[])[1, 4, 16])
        {
            await CompareAsync(
                "append 1 event, expected version", writers,
                (stream, i) => store.AppendAsync(stream, i, [NewEvent()], cancellationToken),
                (stream, i) => RawAppendAsync(dataSource, stream, i, cancellationToken));
        }

        await store.AppendAsync("long", 0, [.. Enumerable.Repeat(NewEvent(), StreamLength)], cancellationToken);
        await CompareAsync(
            $"read and decode {StreamLength} events of a stream", 1,
            (_, _) => ReadAsync(store, cancellationToken),
            (_, _) => RawReadAsync(dataSource, cancellationToken),
            StreamLength);
        await FollowAsync(output, store, cancellationToken);

        async Task CompareAsync(string what, int writers, Func<string, int, Task> ours, Func<string, int, Task> raw, int eventsEach = 1)
        {
            var rates = new List<(double Ours, double Raw)>();
            for (var round = -1; round < Rounds; round++)
            {
                // They change who goes first: on a busy machine that decides more than the code.
                var theirs = round % 2 == 0 ? await RawAsync(round) : 0;
                var our = await RateAsync($"o{what[..10]}{writers}-{round}", writers, ours, cancellationToken);
                theirs = round % 2 == 0 ? theirs : await RawAsync(round);
                // The first round warms both up.
                if (round >= 0)
                    rates.Add((our * eventsEach, theirs * eventsEach));
            }

            var (medianOurs, medianRaw) = (Median(rates.Select(r => r.Ours)), Median(rates.Select(r => r.Raw)));
            await output.WriteLineAsync($"| {what} | {writers} | {medianOurs:N0} | {medianRaw:N0} | {medianOurs / medianRaw:F2} |");

            Task<double> RawAsync(int round) => RateAsync($"r{what[..10]}{writers}-{round}", writers, raw, cancellationToken);
        }
    }

    // Each of 16 writers appends as fast as it can, and one follower notes how long after the append's return it got the event; negative where it was earlier.
    private static async Task FollowAsync(TextWriter output, NpgsqlEventStore store, CancellationToken cancellationToken)
    {
        const int writers = 16, each = 100;
        var from = 0L;
        await foreach (var e in store.ReadAllAsync(0, cancellationToken))
            from = e.Position;
        var committed = new Dictionary<(string, long), long>();
        var got = new Dictionary<(string, long), long>();
        var following = Task.Run(async () =>
        {
            await foreach (var e in store.FollowAsync(from, cancellationToken))
            {
                got[(e.Stream, e.Version)] = Stopwatch.GetTimestamp();
                if (got.Count == writers * each)
                    break;
            }
        }, cancellationToken);
        await Task.WhenAll(Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++)
            {
                await store.AppendAsync($"follow-{w}", i, [NewEvent()], cancellationToken);
                lock (committed)
                    committed[($"follow-{w}", i + 1)] = Stopwatch.GetTimestamp();
            }
        })));
        await following;

        var latencies = committed.Select(e => Stopwatch.GetElapsedTime(e.Value, got[e.Key]).TotalMilliseconds).Order().ToList();
        await output.WriteLineAsync(
            $"\nFollowing {writers} writers live, {latencies.Count} events: from append returned to event received {latencies[latencies.Count / 2]:F1} ms (median), " +
            $"{latencies[latencies.Count * 99 / 100]:F1} ms (99 %), {latencies[^1]:F1} ms (most).");
    }

    private static async Task<double> RateAsync(string name, int writers, Func<string, int, Task> operation, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            var i = 0;
            for (; Stopwatch.GetElapsedTime(started) < _turn; i++)
                await operation($"{name}-{w}", i);
            return i;
        }, cancellationToken)));
        return counts.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static NewEvent NewEvent() => new("payload_noted", null, _payload, EventMetadata.Empty);

    private static async Task RawAppendAsync(NpgsqlDataSource dataSource, string stream, int version, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        var streamRow = new NpgsqlBatchCommand(version == 0
            ? "insert into mt_streams (id, version) values ($1, $2)"
            : "update mt_streams set version = $2 where id = $1 and version = $2 - 1");
        streamRow.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        streamRow.Parameters.Add(new NpgsqlParameter<long> { TypedValue = version + 1 });
        batch.BatchCommands.Add(streamRow);
        var eventRow = new NpgsqlBatchCommand(
            """
            insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp)
            values (nextval('mt_events_sequence'), $1, $2, $3, $4, $5, $6) returning seq_id
            """);
        eventRow.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7() });
        eventRow.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        eventRow.Parameters.Add(new NpgsqlParameter<long> { TypedValue = version + 1 });
        eventRow.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = _payload, NpgsqlDbType = NpgsqlDbType.Jsonb });
        eventRow.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "payload_noted" });
        eventRow.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = DateTimeOffset.UtcNow });
        batch.BatchCommands.Add(eventRow);
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task ReadAsync(NpgsqlEventStore store, CancellationToken cancellationToken)
    {
        var payloads = await store.ReadStreamAsync("long", 1, stored => JsonSerializer.Deserialize<Payload>(stored.Data.Span)!, cancellationToken);
        CheckSum(payloads.Sum(payload => payload.Number));
    }

    private static async Task RawReadAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("select seq_id, version, type, timestamp, data from mt_events where stream_id = $1 order by version");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "long" });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var sum = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            _ = (reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3));
            sum += JsonSerializer.Deserialize<Payload>(reader.GetFieldValue<byte[]>(4))!.Number;
        }

        CheckSum(sum);
    }

    private static void CheckSum(int sum)
    {
        if (sum != 7 * StreamLength)
            throw new InvalidOperationException($"The numbers of {StreamLength} events sum to {sum}, expected {7 * StreamLength}.");
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    private sealed record Payload(int Number, string Text);
}
