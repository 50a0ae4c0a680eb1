using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// Marten's event tables, with string stream identity and all its metadata columns: column order, names of keys and indexes, and defaults are Marten's,
/// so that its schema check finds nothing to change.
/// </summary>
/// <remarks>
/// A change is a new step behind the others, never an edit of one: <see cref="SchemaPart"/> takes those that a database has not taken yet. Each may be
/// repeated, and finds tables that Marten has made as well as our own.
/// </remarks>
public static class EventStoreSchema
{
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

    // Names of streams are compared by their bytes, whatever language the database sorts by: their beginnings are found by the key's own index, and an update of the
    // system's locales cannot put that index out of order. Both ends of the foreign key, or joins over it would find no index. Marten looks at types alone.
    private const string NamesByBytes = """
        alter table mt_streams alter column id type varchar collate "C";
        alter table mt_events alter column stream_id type varchar collate "C";
        """;

    // Marten drops the columns of metadata that an application has not switched on.
    private const string IsWhole = """
        to_regclass('mt_streams') is not null and to_regclass('mt_event_progression') is not null and 3 = (
            select count(*) from pg_attribute
            where attrelid = to_regclass('mt_events') and attname in ('correlation_id', 'causation_id', 'headers') and not attisdropped)
        """;

    private static readonly string[] _steps = [Tables, NamesByBytes];

    private static readonly SchemaPart _part = new("log", _steps.Length, from => _steps.Skip(from), IsWhole);

    // What the store writes and reads, as PostgreSQL names the types.
    private static readonly Dictionary<string, string> _needed = new()
    {
        ["mt_streams.id"] = "varchar", ["mt_streams.version"] = "int8", ["mt_streams.timestamp"] = "timestamptz", ["mt_streams.created"] = "timestamptz",
        ["mt_streams.is_archived"] = "bool", ["mt_events.seq_id"] = "int8", ["mt_events.id"] = "uuid", ["mt_events.stream_id"] = "varchar",
        ["mt_events.version"] = "int8", ["mt_events.data"] = "jsonb", ["mt_events.type"] = "varchar", ["mt_events.timestamp"] = "timestamptz",
        ["mt_events.mt_dotnet_type"] = "varchar", ["mt_events.correlation_id"] = "varchar", ["mt_events.causation_id"] = "varchar",
        ["mt_events.headers"] = "jsonb", ["mt_events.is_archived"] = "bool", ["mt_event_progression.name"] = "varchar",
    };

    /// <summary>The version of the tables that this program makes and expects.</summary>
    public static int Version => _part.Version;

    /// <summary>Makes what is missing in the connection's schema, and takes the steps that it has not taken. Safe to repeat, and when several programs start at once.</summary>
    /// <exception cref="SchemaException">The tables are a newer program's, or have other columns, for example Marten's with Guid streams.</exception>
    public static async Task EnsureAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default)
    {
        await _part.EnsureAsync(dataSource, RefuseOthersAsync, cancellationToken);
        await WorkerGrants.EnsureAsync(dataSource, cancellationToken);
    }

    /// <summary>Whether the connection's schema has event tables, of whatever version.</summary>
    public static async Task<bool> ExistsAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        await using var command = dataSource.CreateCommand("select to_regclass('mt_events') is not null");
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Compares the tables with what they must be.</summary>
    public static Task<CatalogComparison> CompareAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default) =>
        Catalog.CompareAsync(dataSource, _steps, cancellationToken);

    private static async Task RefuseOthersAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
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
                throw new SchemaException(
                    $"The event tables in database '{connection.Database}' are not this store's: column {column} is {actual}, expected {type}. " +
                    "Use another database or schema, or Marten's tables with string stream identity.");
            }
        }
    }
}
