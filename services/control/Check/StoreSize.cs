using Npgsql;
using SelfRewarding.Control.ReadModels;

namespace SelfRewarding.Control.Check;

/// <summary>A table with its indexes.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Bytes">On disk, indexes and large values included.</param>
/// <param name="Rows">As PostgreSQL estimates them.</param>
/// <param name="DeadRows">Rows that were replaced or deleted, whose place is not free yet.</param>
/// <param name="VacuumedAt">When their places were last made free; null is never.</param>
public sealed record TableSize(string Table, long Bytes, long Rows, long DeadRows, DateTimeOffset? VacuumedAt);

/// <summary>How much room the log takes, and when PostgreSQL last tidied up.</summary>
/// <param name="DatabaseBytes">The whole database.</param>
/// <param name="Tables">The log's tables and those of the read models, the largest first.</param>
public sealed record StoreSize(long DatabaseBytes, IReadOnlyList<TableSize> Tables)
{
    /// <summary>Asks PostgreSQL.</summary>
    public static async Task<StoreSize> OfAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            select pg_database_size(current_database()), relname, pg_total_relation_size(relid), n_live_tup, n_dead_tup, greatest(last_vacuum, last_autovacuum)
            from pg_stat_user_tables where schemaname = current_schema() and relname = any($1) order by 3 desc, 2
            """);
        string[] names = ["mt_events", "mt_streams", "mt_event_progression", .. ReadModelTables.All.Select(table => table.Name)];
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = names });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (whole, tables) = (0L, new List<TableSize>());
        while (await reader.ReadAsync(cancellationToken))
        {
            whole = reader.GetInt64(0);
            tables.Add(new TableSize(
                reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4),
                reader.IsDBNull(5) ? null : await reader.GetFieldValueAsync<DateTimeOffset>(5, cancellationToken)));
        }

        return new StoreSize(whole, tables);
    }
}
