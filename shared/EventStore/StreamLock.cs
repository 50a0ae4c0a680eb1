using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// The right to work on a stream alone, held across processes as a PostgreSQL session lock: it ends when disposed, or when its connection is lost.
/// </summary>
public sealed class StreamLock : IAsyncDisposable
{
    private StreamLock()
    {
    }

    /// <summary>Cancelled when the connection that holds the lock is lost: another process may have the lock from then on.</summary>
    public CancellationToken Lost { get; }

    /// <summary>Takes the lock, or returns null where another holds it.</summary>
    public static Task<StreamLock?> TryAcquireAsync(NpgsqlDataSource dataSource, string stream, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(dataSource.ToString());

    /// <summary>Gives the lock back.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
