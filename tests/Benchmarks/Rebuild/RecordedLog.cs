using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>A log of eight runs that went on at the same time, their facts in turns.</summary>
internal static class RecordedLog
{
    private const int Runs = 8;

    private static readonly DateTimeOffset _start = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Writes the log into empty tables.</summary>
    /// <returns>How many bytes of JSON an event has, in the mean.</returns>
    public static async Task<double> FillAsync(NpgsqlDataSource database, int events, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // COPY looks up the stream of each event otherwise; the streams are made from the events, below.
        await ExecuteAsync("set session_replication_role = replica");
        var bytes = await CopyAsync(connection, events, cancellationToken);
        await ExecuteAsync(
            """
            insert into mt_streams (id, version, timestamp, created) select stream_id, max(version), max(timestamp), min(timestamp) from mt_events group by stream_id;
            set session_replication_role = origin;
            """);
        await ExecuteAsync($"select setval('mt_events_sequence', {events})");
        // As a log is that has been there for a while: the first reader does not pay for what autovacuum does.
        await ExecuteAsync("vacuum (analyze, freeze) mt_events");
        return (double)bytes / events;

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static async Task<long> CopyAsync(NpgsqlConnection connection, int events, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            "copy mt_events (seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type, headers) from stdin (format binary)", cancellationToken);
        var (position, bytes, versions) = (0, 0L, new Dictionary<string, long>(StringComparer.Ordinal));
        foreach (var (stream, fact) in Interleaved(events))
        {
            var stored = FactJson.ToEvent(fact, EventMetadata.Empty);
            var version = versions[stream] = versions.GetValueOrDefault(stream) + 1;
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync((long)++position, cancellationToken);
            await copy.WriteAsync(EventId.Of(stream, version), cancellationToken);
            await copy.WriteAsync(stream, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(version, cancellationToken);
            await copy.WriteAsync(stored.Data, NpgsqlDbType.Jsonb, cancellationToken);
            await copy.WriteAsync(stored.Type, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(_start + position * _pause, cancellationToken);
            await copy.WriteAsync(stored.DotNetType!, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(stored.Metadata.Headers), NpgsqlDbType.Jsonb, cancellationToken);
            bytes += stored.Data.Length;
        }

        await copy.CompleteAsync(cancellationToken);
        return position == events ? bytes : throw new InvalidOperationException($"The runs have {position} facts, expected {events}.");
    }

    // 94 of 100 facts are those of prompts, four a prompt in two iterations; the others are nearly all steps of the four trainings. Cut off where there are enough: some
    // runs have not come to their ends.
    private static IEnumerable<(string Stream, object Fact)> Interleaved(int events)
    {
        var random = new Random(events);
        var runs = Enumerable.Range(1, Runs).Select(run => new RecordedRun($"kata-{run}", events * 94 / 100 / (Runs * 8), events / 500, run).Facts().GetEnumerator()).ToList();
        for (var taken = 0; taken < events && runs.Count > 0;)
        {
            var run = runs[random.Next(runs.Count)];
            if (!run.MoveNext())
            {
                runs.Remove(run);
                continue;
            }

            taken++;
            yield return run.Current;
        }
    }
}
