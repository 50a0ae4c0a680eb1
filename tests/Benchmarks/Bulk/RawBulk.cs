using Npgsql;
using NpgsqlTypes;
using SelfRewarding.EventStore;

namespace SelfRewarding.Benchmarks;

/// <summary>What bulk append and bulk read are measured against: the same rows of the same tables, with nothing looked at. Numbers are counted here instead of drawn.</summary>
internal sealed class RawBulk(NpgsqlDataSource dataSource)
{
    private const string Columns = "seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type, correlation_id, causation_id, headers";

    private long _number;

    /// <summary>Copies new streams with all their events, in one transaction.</summary>
    public async Task AppendAsync(IReadOnlyList<EventCopy> events, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var streams = await connection.BeginBinaryImportAsync("copy mt_streams (id, version, timestamp, created) from stdin (format binary)", cancellationToken))
        {
            foreach (var (stream, its) in events.GroupBy(e => e.Stream).Select(group => (group.Key, group.ToList())))
            {
                await streams.StartRowAsync(cancellationToken);
                await streams.WriteAsync(stream, NpgsqlDbType.Varchar, cancellationToken);
                await streams.WriteAsync(its[^1].Version, NpgsqlDbType.Bigint, cancellationToken);
                await streams.WriteAsync(its[^1].Timestamp, NpgsqlDbType.TimestampTz, cancellationToken);
                await streams.WriteAsync(its[0].Timestamp, NpgsqlDbType.TimestampTz, cancellationToken);
            }

            await streams.CompleteAsync(cancellationToken);
        }

        await using (var rows = await connection.BeginBinaryImportAsync($"copy mt_events ({Columns}) from stdin (format binary)", cancellationToken))
        {
            foreach (var e in events)
            {
                await rows.StartRowAsync(cancellationToken);
                await rows.WriteAsync(++_number, NpgsqlDbType.Bigint, cancellationToken);
                await rows.WriteAsync(e.Id, NpgsqlDbType.Uuid, cancellationToken);
                await rows.WriteAsync(e.Stream, NpgsqlDbType.Varchar, cancellationToken);
                await rows.WriteAsync(e.Version, NpgsqlDbType.Bigint, cancellationToken);
                await rows.WriteAsync(e.Data, NpgsqlDbType.Jsonb, cancellationToken);
                await rows.WriteAsync(e.Type, NpgsqlDbType.Varchar, cancellationToken);
                await rows.WriteAsync(e.Timestamp, NpgsqlDbType.TimestampTz, cancellationToken);
                await rows.WriteNullAsync(cancellationToken);
                await rows.WriteNullAsync(cancellationToken);
                await rows.WriteNullAsync(cancellationToken);
                await rows.WriteAsync(e.Headers!.Value, NpgsqlDbType.Jsonb, cancellationToken);
            }

            await rows.CompleteAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Reads every event in order.</summary>
    /// <returns>How many.</returns>
    public async Task<long> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand($"select {Columns} from mt_events order by seq_id");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var count = 0L;
        for (; await reader.ReadAsync(cancellationToken); count++)
        {
            _ = (reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetInt64(3), reader.GetFieldValue<byte[]>(4), reader.GetString(5), reader.GetFieldValue<DateTimeOffset>(6));
            for (var column = 7; column < 11; column++)
                _ = reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);
        }

        return count;
    }
}
