using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// Marten's event tables, with string stream identity and all its metadata columns: column order, names of keys and indexes, and defaults are Marten's,
/// so that its schema check finds nothing to change.
/// </summary>
public static class EventStoreSchema
{
    // The key of the lock that programs take when they start at the same time: any fixed number.
    private const long LockKey = 0x5E1F_0001;

    private const string CorrelationColumns = """
        alter table mt_events add column if not exists correlation_id varchar;
        alter table mt_events add column if not exists causation_id varchar;
        alter table mt_events add column if not exists headers jsonb;
        """;

    // The timestamp of an event has a quoted default, as in Marten: the moment of creation, frozen. Every writer gives its own.
    private const string Tables = $"""
        create sequence if not exists mt_events_sequence;
        create table if not exists mt_streams (
            id varchar not null constraint pkey_mt_streams_id primary key,
            type varchar null,
            version bigint null,
            timestamp timestamptz not null default (now()),
            snapshot jsonb null,
            snapshot_version integer null,
            created timestamptz not null default (now()),
            tenant_id varchar null default '*DEFAULT*',
            is_archived boolean null default false);
        create table if not exists mt_events (
            seq_id bigint not null constraint pkey_mt_events_seq_id primary key,
            id uuid not null,
            stream_id varchar null,
            version bigint not null,
            data jsonb not null,
            type varchar(500) not null,
            timestamp timestamptz not null default '(now())',
            tenant_id varchar null default '*DEFAULT*',
            mt_dotnet_type varchar null,
            correlation_id varchar null,
            causation_id varchar null,
            headers jsonb null,
            is_archived boolean null default false,
            constraint fkey_mt_events_stream_id foreign key (stream_id) references mt_streams (id) on delete cascade);
        {CorrelationColumns}
        create unique index if not exists pk_mt_events_stream_and_version on mt_events (stream_id, version);
        alter sequence mt_events_sequence owned by mt_events.seq_id;
        create table if not exists mt_event_progression (
            name varchar not null constraint pk_mt_event_progression primary key,
            last_seq_id bigint null,
            last_updated timestamptz null default (transaction_timestamp()));
        """;

    // What the store writes and reads, as PostgreSQL names the types.
    private static readonly Dictionary<string, string> _needed = new()
    {
        ["mt_streams.id"] = "varchar", ["mt_streams.version"] = "int8", ["mt_streams.timestamp"] = "timestamptz", ["mt_streams.created"] = "timestamptz",
        ["mt_streams.is_archived"] = "bool", ["mt_events.seq_id"] = "int8", ["mt_events.id"] = "uuid", ["mt_events.stream_id"] = "varchar",
        ["mt_events.version"] = "int8", ["mt_events.data"] = "jsonb", ["mt_events.type"] = "varchar", ["mt_events.timestamp"] = "timestamptz",
        ["mt_events.mt_dotnet_type"] = "varchar", ["mt_events.correlation_id"] = "varchar", ["mt_events.causation_id"] = "varchar",
        ["mt_events.headers"] = "jsonb", ["mt_events.is_archived"] = "bool", ["mt_event_progression.name"] = "varchar",
    };

    /// <summary>Makes what is missing in the connection's schema. Safe to repeat, and when several programs start at once.</summary>
    /// <exception cref="InvalidOperationException">The tables are there with other columns, for example Marten's with Guid streams.</exception>
    public static async Task EnsureAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        // Looked at first: the usual start changes nothing, waits for nobody and needs no right to create tables.
        if (await IsCompleteAsync(connection, cancellationToken))
            return;

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var wait = new NpgsqlCommand($"select pg_advisory_xact_lock({LockKey})", connection, transaction))
            await wait.ExecuteNonQueryAsync(cancellationToken);
        if (await IsCompleteAsync(connection, cancellationToken))
            return;
        await using (var create = new NpgsqlCommand($"set local client_min_messages = warning; {Tables}", connection, transaction))
            await create.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    // False where something has yet to be made.
    private static async Task<bool> IsCompleteAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            select c.relname || '.' || a.attname, t.typname
            from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_type t on t.oid = a.atttypid
            where c.oid in (to_regclass('mt_streams'), to_regclass('mt_events'), to_regclass('mt_event_progression'))
              and a.attnum > 0 and not a.attisdropped
            """,
            connection);
        var found = new Dictionary<string, string>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            found[reader.GetString(0)] = reader.GetString(1);
        foreach (var (column, type) in _needed)
        {
            if (found.TryGetValue(column, out var actual) && actual != type)
            {
                throw new InvalidOperationException(
                    $"The event tables in database '{connection.Database}' are not this store's: column {column} is {actual}, expected {type}. " +
                    "Use another database or schema, or Marten's tables with string stream identity.");
            }
        }

        return _needed.Keys.All(found.ContainsKey);
    }
}
