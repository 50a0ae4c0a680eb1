using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Where the log ends, without reading it.</summary>
public static class LogEnd
{
    /// <summary>The highest position of a committed event; 0 where there is none. A transaction in flight may yet fill a lower one.</summary>
    public static Task<long> OfAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => AskAsync(database, LogQueries.Highest, cancellationToken);

    /// <summary>The same of those that are part of the log: the last that a reader of all of it comes to.</summary>
    public static Task<long> LastEventAsync(NpgsqlDataSource database, CancellationToken cancellationToken) => AskAsync(database, LogQueries.LastEvent, cancellationToken);

    private static async Task<long> AskAsync(NpgsqlDataSource database, string query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var ask = database.CreateCommand(query);
        return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }
}
