using System.Data;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// Tables that belong together (the log's, the read models'), made and changed by numbered steps. The version that they have is kept in a table of our own beside them:
/// Marten, which knows nothing of that one, finds nothing to change in its own.
/// </summary>
/// <param name="name">The part's name in the table of versions.</param>
/// <param name="version">The version that this program makes, and the newest that it can work with.</param>
/// <param name="stepsFrom">The SQL that leads to it from an older version, in order; from 0 where nothing is there or nobody has recorded a version.</param>
/// <param name="isWhole">A condition in SQL that is asked where the version is right: false makes again, by every step, what has gone missing since.</param>
public sealed class SchemaPart(string name, int version, Func<int, IEnumerable<string>> stepsFrom, string isWhole = "true")
{
    /// <summary>Holds the version of each part.</summary>
    public const string VersionTable = "selfreward_schema";

    // The key of the lock that programs take when they start at the same time: any fixed number.
    private const long LockKey = 0x5E1F_0001;

    private const string MakeVersionTable = $"""
        create table if not exists {VersionTable} (
            part text primary key,
            version int not null,
            changed_at timestamptz not null default now())
        """;

    private const string Record = $"""
        insert into {VersionTable} (part, version) values ($1, $2)
        on conflict (part) do update set version = excluded.version, changed_at = now()
        """;

    /// <summary>The version that this program makes.</summary>
    public int Version => version;

    /// <summary>Makes what is missing and takes every step that has not been taken, all or none. Safe to repeat, and when several programs start at once.</summary>
    /// <param name="database">The database, whose current schema holds the tables.</param>
    /// <param name="before">Looks at what is there before the first step, and may refuse it.</param>
    /// <param name="cancellationToken">Changes nothing once cancelled.</param>
    /// <exception cref="SchemaException">A newer program has changed the tables, or this one may not.</exception>
    public async Task EnsureAsync(
        NpgsqlDataSource database, Func<NpgsqlConnection, CancellationToken, Task>? before = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // Looked at first: the usual start changes nothing, waits for nobody and needs no right to create tables.
        if (await BeginFromAsync(connection, cancellationToken) is not { } seen)
            return;
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        try
        {
            await ExecuteAsync(connection, $"select pg_advisory_xact_lock({LockKey})", cancellationToken);
            // Another program may have taken the steps while this one waited.
            if (await BeginFromAsync(connection, cancellationToken) is not { } from)
                return;
            if (before is not null)
                await before(connection, cancellationToken);
            await ExecuteAsync(connection, $"set local client_min_messages = warning; {MakeVersionTable}", cancellationToken);
            foreach (var step in stepsFrom(from))
                await ExecuteAsync(connection, step, cancellationToken);
            await using var record = new NpgsqlCommand(Record, connection)
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = name }, new NpgsqlParameter<int> { TypedValue = version } },
            };
            await record.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException e) when (!e.IsTransient)
        {
            var advice = e.SqlState == PostgresErrorCodes.InsufficientPrivilege ? "; start the program once as the owner of the tables" : "";
            throw new SchemaException(
                $"The tables of '{name}' in database '{connection.Database}' cannot be brought from version {seen} to {version}: {e.MessageText} {e.Detail}".TrimEnd(' ', '.') +
                $". Nothing was changed{advice}.", e);
        }
    }

    /// <summary>The recorded version; 0 where there is none.</summary>
    public async Task<int> FindVersionAsync(NpgsqlDataSource database, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await FindVersionAsync(connection, cancellationToken);
    }

    private async Task<int> FindVersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using (var exists = new NpgsqlCommand($"select to_regclass('{VersionTable}') is not null", connection))
        {
            if (!(bool)(await exists.ExecuteScalarAsync(cancellationToken))!)
                return 0;
        }

        await using var find = new NpgsqlCommand($"select version from {VersionTable} where part = $1", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = name } },
        };
        return await find.ExecuteScalarAsync(cancellationToken) as int? ?? 0;
    }

    // The version that the steps have to begin from; null where there is nothing to do.
    private async Task<int?> BeginFromAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var found = await FindVersionAsync(connection, cancellationToken);
        if (found > version)
        {
            throw new SchemaException(
                $"The tables of '{name}' in database '{connection.Database}' are at version {found}, expected {version} or older: a newer version of this program has changed them, " +
                "so use that one here, or give this one another database.");
        }

        if (found < version)
            return found;
        await using var whole = new NpgsqlCommand($"select {isWhole}", connection);
        return await whole.ExecuteScalarAsync(cancellationToken) is true ? null : 0;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // A step over a long log takes as long as it takes.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
