using Npgsql;
using NpgsqlTypes;

namespace SelfRewarding.EventStore;

/// <summary>
/// Appends in one statement, which is one round trip and one transaction: the stream's row is made or moved on only from the expected version, and the events are
/// inserted only where it was. A conflict therefore inserts nothing, raises nothing, and burns no number.
/// </summary>
internal sealed class EventAppender(NpgsqlDataSource dataSource, TimeProvider time)
{
    // The numbers are drawn in the outer query, over rows that the inner one has put in order: ascending with the version, as Marten reads a stream.
    private const string InsertEvents = """
        insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type, correlation_id, causation_id, headers)
        select nextval('mt_events_sequence'), id, stream, version, data, type, $3, dotnet_type, correlation_id, causation_id, headers
        from (
            select s.id as stream, e.*
            from s, unnest($5::uuid[], $6::bigint[], $7::jsonb[], $8::varchar[], $9::varchar[], $10::varchar[], $11::varchar[], $12::jsonb[])
                as e (id, version, data, type, dotnet_type, correlation_id, causation_id, headers)
            order by e.version
        ) as ordered
        returning seq_id
        """;

    // The expected version is a parameter here too (it is 0), so that both statements have the same ones.
    public const string Start = $"""
        with s as (
            insert into mt_streams (id, version, timestamp, created) select $1, $2, $3, $3 where $4 = 0
            on conflict do nothing returning id)
        {InsertEvents}
        """;

    public const string Continue = $"""
        with s as (
            update mt_streams set version = $2, timestamp = $3 where id = $1 and version = $4 and is_archived is false
            returning id)
        {InsertEvents}
        """;

    /// <summary>The appended events, or null where the stream is not at the expected version.</summary>
    public async Task<IReadOnlyList<StoredEvent>?> TryAppendAsync(
        string stream, long expectedVersion, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken)
    {
        foreach (var e in events)
            EventText.Check(stream, e);
        var now = ToMicroseconds(time.GetUtcNow());
        var ids = new Guid[events.Count];
        var versions = new long[events.Count];
        for (var i = 0; i < events.Count; i++)
        {
            versions[i] = expectedVersion + i + 1;
            ids[i] = EventId.Of(stream, versions[i]);
        }

        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(expectedVersion == 0 ? Start : Continue, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = stream },
                new NpgsqlParameter<long> { TypedValue = versions[^1] },
                new NpgsqlParameter<DateTimeOffset> { TypedValue = now },
                new NpgsqlParameter<long> { TypedValue = expectedVersion },
                new NpgsqlParameter<Guid[]> { TypedValue = ids },
                new NpgsqlParameter<long[]> { TypedValue = versions },
                Json(events, e => Bytes(e.Data)),
                Text(events, e => e.Type),
                Text(events, e => e.DotNetType),
                Text(events, e => e.Metadata.CorrelationId),
                Text(events, e => e.Metadata.CausationId),
                Json(events, e => EventRow.HeadersToJson(e.Metadata.Headers)),
            },
        };
        try
        {
            await command.PrepareAsync(cancellationToken);
            return await ReadPositionsAsync();
        }
        catch (PostgresException e) when (e is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "pk_mt_events_stream_and_version" or "pkey_mt_streams_id" })
        {
            // Events without a stream's row, or with one that another writer left behind them.
            return null;
        }
        catch (PostgresException e) when (IsUnstorable(e.SqlState))
        {
            throw new ArgumentException($"An event for stream '{stream}' ({string.Join(", ", events.Select(e => e.Type).Distinct())}) cannot be stored: {e.MessageText} {e.Detail}", e);
        }

        async Task<IReadOnlyList<StoredEvent>?> ReadPositionsAsync()
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var stored = new StoredEvent[events.Count];
            var count = 0;
            for (; await reader.ReadAsync(cancellationToken); count++)
                stored[count] = new StoredEvent(reader.GetInt64(0), ids[count], stream, versions[count], events[count].Type, events[count].Data, now, events[count].Metadata);
            return count == 0 ? null : stored;
        }
    }

    /// <summary>Whether PostgreSQL refuses the value itself.</summary>
    internal static bool IsUnstorable(string state) => state is
        PostgresErrorCodes.InvalidTextRepresentation or PostgresErrorCodes.UntranslatableCharacter or PostgresErrorCodes.CharacterNotInRepertoire
        or PostgresErrorCodes.StringDataRightTruncation or PostgresErrorCodes.ProgramLimitExceeded;

    /// <summary>The array itself where it is one, as Npgsql wants it.</summary>
    internal static byte[] Bytes(ReadOnlyMemory<byte> data) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(data, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : data.ToArray();

    private static NpgsqlParameter<string?[]> Text(IReadOnlyList<NewEvent> events, Func<NewEvent, string?> value) =>
        new() { TypedValue = [.. events.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar };

    private static NpgsqlParameter<byte[]?[]> Json(IReadOnlyList<NewEvent> events, Func<NewEvent, byte[]?> value) =>
        new() { TypedValue = [.. events.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb };

    // PostgreSQL keeps microseconds: what is returned equals what will be read.
    internal static DateTimeOffset ToMicroseconds(DateTimeOffset at) => new(at.UtcTicks - at.UtcTicks % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
}
