using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Where the log ends, without reading it.</summary>
public static class LogEnd
{
    /// <summary>The highest position of a committed event; 0 where there is none. A transaction in flight may yet fill a lower one.</summary>
    public static async Task<long> OfAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var ask = database.CreateCommand("select coalesce(max(seq_id), 0) from mt_events");
        return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }
}
