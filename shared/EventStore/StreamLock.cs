using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// The right to work on a stream alone, held across processes as a PostgreSQL session lock: it ends when disposed, or when its connection is lost, however the process
/// that had it ended.
/// </summary>
public sealed class StreamLock : IAsyncDisposable
{
    // How soon a connection that died without a word is noticed.
    private static readonly TimeSpan _checkInterval = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _dataSource;
    private readonly NpgsqlConnection _connection;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _released = new();
    private readonly Task _watch;

    private StreamLock(NpgsqlDataSource dataSource, NpgsqlConnection connection)
    {
        (_dataSource, _connection) = (dataSource, connection);
        Lost = _lost.Token;
        _watch = Task.Run(WatchAsync);
    }

    /// <summary>Cancelled when the connection that holds the lock is lost: another process may have the lock from then on.</summary>
    public CancellationToken Lost { get; }

    /// <summary>Takes the lock, or returns null where another holds it.</summary>
    /// <param name="dataSource">A connection of it is held as long as the lock is.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<StreamLock?> TryAcquireAsync(NpgsqlDataSource dataSource, string stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        ArgumentException.ThrowIfNullOrEmpty(stream);
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            // Two names with one hash of 64 bits would lock each other out, which is safe, and will not happen.
            await using var acquire = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended($1, 0))", connection)
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = stream } },
            };
            if ((bool)(await acquire.ExecuteScalarAsync(cancellationToken))!)
                return new StreamLock(dataSource, connection);
        }
        catch
        {
            // What was broken off may have been taken all the same.
            await CloseAsync(dataSource, connection);
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>Gives the lock back.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_released.IsCancellationRequested)
            return;
        await _released.CancelAsync();
        await _watch;
        try
        {
            await using var release = new NpgsqlCommand("select pg_advisory_unlock_all()", _connection);
            await release.ExecuteNonQueryAsync();
            await _connection.DisposeAsync();
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // Mostly the connection is lost, and the lock with it.
            await CloseAsync(_dataSource, _connection);
        }

        _released.Dispose();
        _lost.Dispose();
    }

    /// <summary>
    /// Closes a connection that may hold a session's locks. The pool has a connection reset when it is next used, so one that lies idle there keeps its locks: what was flagged
    /// before it is given back is closed.
    /// </summary>
    internal static ValueTask CloseAsync(NpgsqlDataSource dataSource, NpgsqlConnection connection)
    {
        dataSource.Clear();
        return connection.DisposeAsync();
    }

    // Waiting for a notification notices at once when the server closes the connection; the query notices a network that swallows everything.
    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await _connection.WaitAsync(_checkInterval, _released.Token);
                await using var alive = new NpgsqlCommand("select 1", _connection) { CommandTimeout = (int)_checkInterval.TotalSeconds };
                await alive.ExecuteNonQueryAsync(CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (_released.IsCancellationRequested)
        {
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException or OperationCanceledException)
        {
            await _lost.CancelAsync();
        }
    }
}
