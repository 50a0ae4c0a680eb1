using Npgsql;

namespace SelfRewarding.Benchmarks;

/// <summary>What a log holds.</summary>
/// <param name="Bytes">Of both tables with their indexes.</param>
/// <param name="Written">Bytes of write-ahead log so far, of the whole server.</param>
internal sealed record LogSize(long Events, long Streams, long Bytes, long Written)
{
    public static async Task<LogSize> OfAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            select (select count(*) from mt_events), (select count(*) from mt_streams),
                   pg_total_relation_size('mt_events') + pg_total_relation_size('mt_streams'),
                   pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
    }
}
