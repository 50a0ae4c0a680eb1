using Npgsql;
using NpgsqlTypes;

namespace SelfRewarding.EventStore;

/// <summary>
/// Appends many events of many streams in one transaction: the streams' rows by a statement, the events by binary COPY. All of it is
/// there at once when <see cref="CommitAsync"/> returns; disposed without that, nothing is.
/// <para>
/// Numbers are drawn in this transaction, in the order in which events are given. Readers in global order therefore see a writer in flight
/// (<see cref="SafeMark"/>), and pass what others commit meanwhile only up to where these events will stand: none is skipped, however long this takes.
/// </para>
/// </summary>
public sealed class BulkAppend : IAsyncDisposable
{
    // A plan is made once for a transaction, by the size that the tables have then: over an empty log it would read all streams for each batch
    // and each reference, and a long import would slow down as it goes. Its tables are only ever asked by key, so other plans are ruled out.
    internal const string Settings = "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off";

    private const string Start = """
        insert into mt_streams (id, version, timestamp, created) select * from unnest($1::varchar[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
        on conflict do nothing returning id
        """;

    /// <summary>$1 streams, $2 their versions before, $3 those after, $4 when that is.</summary>
    internal const string Continue = """
        update mt_streams s set version = e.version, timestamp = e.timestamp
        from unnest($1::varchar[], $2::bigint[], $3::bigint[], $4::timestamptz[]) as e (id, before, version, timestamp)
        where s.id = e.id and s.version = e.before and s.is_archived is false
        returning s.id
        """;

    private const string DrawNumbers = "select nextval('mt_events_sequence') from generate_series(1, $1)";

    private const string Copy = """
        copy mt_events (seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type, correlation_id, causation_id, headers) from stdin (format binary)
        """;

    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private BulkAppend(NpgsqlConnection connection, NpgsqlTransaction transaction) => (_connection, _transaction) = (connection, transaction);

    /// <summary>Opens the transaction.</summary>
    public static async Task<BulkAppend> BeginAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using (var settings = new NpgsqlCommand(Settings, connection, transaction))
                await settings.ExecuteNonQueryAsync(cancellationToken);
            return new BulkAppend(connection, transaction);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Which of these streams exist, those begun in this transaction included.</summary>
    public async Task<IReadOnlySet<string>> FindAsync(IReadOnlyCollection<string> streams, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(streams);
        await using var command = new NpgsqlCommand(LogQueries.Existing, _connection, _transaction)
        {
            Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. streams] } },
        };
        await command.PrepareAsync(cancellationToken);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return (await ReadAllAsync(reader, row => row.GetString(0), cancellationToken)).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Appends events, some thousand at best, in the order that they are to have in the log.</summary>
    /// <exception cref="VersionConflictException">A stream is not at the version before its first event here. Nothing of the transaction can be kept.</exception>
    /// <exception cref="ArgumentException">An event cannot be stored, or a stream's versions have a gap.</exception>
    public async Task AppendAsync(IReadOnlyList<EventCopy> events, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(events);
        var stretches = StreamStretch.Of(events);
        var numbers = await ReserveAsync(stretches, events.Count, cancellationToken);
        try
        {
            await using var copy = await _connection.BeginBinaryImportAsync(Copy, cancellationToken);
            for (var i = 0; i < events.Count; i++)
                await WriteAsync(copy, numbers[i], events[i], cancellationToken);
            await copy.CompleteAsync(cancellationToken);
        }
        catch (PostgresException e) when (EventAppender.IsUnstorable(e.SqlState))
        {
            throw new ArgumentException($"An event of streams '{events[0].Stream}' to '{events[^1].Stream}' cannot be stored: {e.MessageText} {e.Detail}", e);
        }
    }

    /// <summary>Makes everything visible, and tells followers.</summary>
    public async Task CommitAsync(CancellationToken cancellationToken = default)
    {
        // Inside the transaction, which costs a lock over the commit: too much for every append, nothing for this one.
        await using (var notify = new NpgsqlCommand($"notify {AppendSignal.Channel}", _connection, _transaction))
            await notify.ExecuteNonQueryAsync(cancellationToken);
        await _transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Takes everything back that is not committed.</summary>
    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }

    // Streams first: events refer to them.
    private async Task<IReadOnlyList<long>> ReserveAsync(IReadOnlyCollection<StreamStretch> stretches, int count, CancellationToken cancellationToken)
    {
        var (started, continued) = (stretches.Where(stretch => stretch.First == 1).ToList(), stretches.Where(stretch => stretch.First > 1).ToList());
        await using var batch = new NpgsqlBatch(_connection, _transaction)
        {
            BatchCommands =
            {
                new(Start) { Parameters = { Values(started, s => s.Stream), Values(started, s => s.Last), Values(started, s => s.EndedAt), Values(started, s => s.BegunAt) } },
                new(Continue) { Parameters = { Values(continued, s => s.Stream), Values(continued, s => s.First - 1), Values(continued, s => s.Last), Values(continued, s => s.EndedAt) } },
                new(DrawNumbers) { Parameters = { new NpgsqlParameter<int> { TypedValue = count } } },
            },
        };
        await batch.PrepareAsync(cancellationToken);
        var moved = new HashSet<string>(StringComparer.Ordinal);
        IReadOnlyList<long> numbers;
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            moved.UnionWith(await ReadAllAsync(reader, row => row.GetString(0), cancellationToken));
            await reader.NextResultAsync(cancellationToken);
            moved.UnionWith(await ReadAllAsync(reader, row => row.GetString(0), cancellationToken));
            await reader.NextResultAsync(cancellationToken);
            numbers = await ReadAllAsync(reader, row => row.GetInt64(0), cancellationToken);
        }

        if (moved.Count < stretches.Count)
        {
            var refused = stretches.First(stretch => !moved.Contains(stretch.Stream));
            throw new VersionConflictException(refused.Stream, refused.First - 1, await GetVersionAsync(refused.Stream, cancellationToken));
        }

        return numbers;
    }

    private async Task<long> GetVersionAsync(string stream, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(LogQueries.Version, _connection, _transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        return await command.ExecuteScalarAsync(cancellationToken) as long? ?? 0;
    }

    private static async Task WriteAsync(NpgsqlBinaryImporter copy, long number, EventCopy e, CancellationToken cancellationToken)
    {
        await copy.StartRowAsync(cancellationToken);
        await copy.WriteAsync(number, NpgsqlDbType.Bigint, cancellationToken);
        await copy.WriteAsync(e.Id, NpgsqlDbType.Uuid, cancellationToken);
        await copy.WriteAsync(e.Stream, NpgsqlDbType.Varchar, cancellationToken);
        await copy.WriteAsync(e.Version, NpgsqlDbType.Bigint, cancellationToken);
        await copy.WriteAsync(EventAppender.Bytes(e.Data), NpgsqlDbType.Jsonb, cancellationToken);
        await copy.WriteAsync(e.Type, NpgsqlDbType.Varchar, cancellationToken);
        await copy.WriteAsync(e.Timestamp, NpgsqlDbType.TimestampTz, cancellationToken);
        await WriteOrNullAsync(e.DotNetType, NpgsqlDbType.Varchar);
        await WriteOrNullAsync(e.CorrelationId, NpgsqlDbType.Varchar);
        await WriteOrNullAsync(e.CausationId, NpgsqlDbType.Varchar);
        await WriteOrNullAsync(e.Headers is { } headers ? EventAppender.Bytes(headers) : null, NpgsqlDbType.Jsonb);

        Task WriteOrNullAsync<T>(T? value, NpgsqlDbType type)
            where T : class => value is null ? copy.WriteNullAsync(cancellationToken) : copy.WriteAsync(value, type, cancellationToken);
    }

    private static NpgsqlParameter<T[]> Values<T>(IEnumerable<StreamStretch> stretches, Func<StreamStretch, T> value) => new() { TypedValue = [.. stretches.Select(value)] };

    private static async Task<IReadOnlyList<T>> ReadAllAsync<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var values = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            values.Add(read(reader));
        return values;
    }
}
