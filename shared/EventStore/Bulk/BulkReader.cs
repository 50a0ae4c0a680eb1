using System.Data;
using System.Runtime.CompilerServices;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Reads many streams whole, one event at a time, however long the log is.</summary>
public static class BulkReader
{
    /// <summary>$1 beginnings of names. Headers that are JSON null say as little as none.</summary>
    internal const string Open = $"""
        declare events no scroll cursor for
        select stream_id, version, id, type, mt_dotnet_type, timestamp, correlation_id, causation_id, nullif(headers, 'null'), data
        from mt_events where stream_id ^@ any($1) and {EventRow.IsPartOfTheLog} order by seq_id
        """;

    // Events lie in the order of their numbers: the index gives them at once, where a sort would first write all of them to disk.
    internal const string Settings = "set local enable_sort = off";

    /// <summary>
    /// The events of every stream whose name begins in one of these ways, in global order, as they are at one moment: of each stream a prefix,
    /// and with an event everything that it came from, also while others write.
    /// </summary>
    /// <param name="dataSource">The database; one connection of it is held while the caller reads.</param>
    /// <param name="prefixes">How names begin.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async IAsyncEnumerable<EventCopy> ReadAsync(
        NpgsqlDataSource dataSource, IReadOnlyCollection<string> prefixes, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await using (var settings = new NpgsqlCommand(Settings, connection, transaction))
            await settings.ExecuteNonQueryAsync(cancellationToken);
        await using (var open = new NpgsqlCommand(Open, connection, transaction) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. prefixes] } } })
            await open.ExecuteNonQueryAsync(cancellationToken);

        // A small run in a large log may be a long search.
        await using var fetch = new NpgsqlCommand($"fetch {LogQueries.PageSize} from events", connection, transaction) { CommandTimeout = 0 };
        for (var count = LogQueries.PageSize; count == LogQueries.PageSize;)
        {
            count = 0;
            await using var row = await fetch.ExecuteReaderAsync(cancellationToken);
            for (; await row.ReadAsync(cancellationToken); count++)
                yield return Read(row);
        }
    }

    private static EventCopy Read(NpgsqlDataReader row) => new(
        row.GetString(0),
        row.GetInt64(1),
        row.GetGuid(2),
        row.GetString(3),
        TextOrNull(row, 4),
        row.GetFieldValue<DateTimeOffset>(5),
        TextOrNull(row, 6),
        TextOrNull(row, 7),
        row.IsDBNull(8) ? default(ReadOnlyMemory<byte>?) : row.GetFieldValue<byte[]>(8),
        row.GetFieldValue<byte[]>(9));

    private static string? TextOrNull(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
