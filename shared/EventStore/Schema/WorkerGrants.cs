using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// What the workers' role may do where a database has one: read the log, add to it, and move a stream's version on. It can change or delete no event and make no
/// table. Whoever owns the tables grants that, and whoever runs the database makes the role.
/// </summary>
public static class WorkerGrants
{
    /// <summary>The role's name.</summary>
    public const string Role = "selfreward_worker";

    // The key of the lock that owners take who start at the same time: any fixed number.
    private const long LockKey = 0x5E1F_0002;

    private static readonly string _grant = $"""
        do $do$
        begin
            if exists (select from pg_roles where rolname = '{Role}')
                and pg_has_role(current_user, (select relowner from pg_class where oid = 'mt_events'::regclass), 'usage')
                and not (has_table_privilege('{Role}', 'mt_events', 'insert') and has_table_privilege('{Role}', '{SchemaPart.VersionTable}', 'select'))
            then
                perform pg_advisory_xact_lock({LockKey});
                execute format('grant usage on schema %I to {Role}', current_schema());
                grant select, insert on mt_streams, mt_events to {Role};
                grant update (version, timestamp) on mt_streams to {Role};
                grant usage on sequence mt_events_sequence to {Role};
                grant select on mt_event_progression, {SchemaPart.VersionTable} to {Role};
            end if;
        end $do$
        """;

    /// <summary>Grants what is missing. Does nothing where there is no such role, or the connection's user does not own the tables.</summary>
    public static async Task EnsureAsync(NpgsqlDataSource database, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var command = database.CreateCommand(_grant);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
