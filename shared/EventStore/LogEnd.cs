using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Where the log ends, without reading it.</summary>
public static class LogEnd
{
    /// <summary>The highest position of a committed event; 0 where there is none. A transaction in flight may yet fill a lower one.</summary>
    public static Task<long> OfAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => AskAsync(database, LogQueries.Highest, cancellationToken);

    /// <summary>The same of those that are part of the log: the last that a reader of all of it comes to.</summary>
    public static Task<long> LastEventAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => AskAsync(database, LogQueries.LastEvent, cancellationToken);

    /// <summary>The streams that have gone on after a position, and the highest position among them. Of a transaction that was in flight, what it fills in below is not seen any more.</summary>
    public static async Task<(IReadOnlyList<string> Streams, long End)> GoneOnAsync(NpgsqlDataSource database, long position, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var ask = database.CreateCommand(LogQueries.GoneOn);
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        await using var reader = await ask.ExecuteReaderAsync(cancellationToken);
        var (streams, end) = (new List<string>(), position);
        while (await reader.ReadAsync(cancellationToken))
        {
            streams.Add(reader.GetString(0));
            end = Math.Max(end, reader.GetInt64(1));
        }

        return (streams, end);
    }

    private static async Task<long> AskAsync(NpgsqlDataSource database, string query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var ask = database.CreateCommand(query);
        return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }
}
