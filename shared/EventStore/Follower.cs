using System.Runtime.CompilerServices;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Reads the log to its end and then as it grows, over one connection that also listens for <see cref="AppendSignal"/>.</summary>
internal sealed class Follower(NpgsqlDataSource dataSource, long settled) : IAsyncDisposable
{
    // Writers who do not notify (a Marten application, an older program) are found by looking.
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _shortestWait = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _reconnectDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _reconnectPatience = TimeSpan.FromMinutes(2);

    private readonly GlobalReader _reader = new(settled);
    private NpgsqlConnection? _connection;
    private volatile bool _notified;

    /// <summary>What there is, a page at a time, then what comes; a page may be empty.</summary>
    public async IAsyncEnumerable<GlobalPage> ReadAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var wait = _shortestWait;
        while (true)
        {
            _notified = false;
            var page = await WithConnectionAsync(connection => _reader.ReadAsync(connection, after, cancellationToken), cancellationToken);
            yield return page;
            if (page.Position > after)
                wait = _shortestWait;
            after = page.Position;
            // A notification that came during the query does not end the wait after it.
            if (page.IsFull || _notified)
                continue;

            // While a writer is in flight its commit is near: look soon, and less often when it takes long.
            var timeout = _reader.IsWaiting ? wait : _pollInterval;
            wait = wait * 2 < _longestWait ? wait * 2 : _longestWait;
            await WithConnectionAsync(connection => connection.WaitAsync(timeout, cancellationToken), cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
    }

    private async Task<T> WithConnectionAsync<T>(Func<NpgsqlConnection, Task<T>> use, CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; ; waited += _reconnectDelay)
        {
            try
            {
                return await use(_connection ??= await ListenAsync(cancellationToken));
            }
            catch (NpgsqlException e) when (waited < _reconnectPatience && (e.IsTransient || _connection is not { FullState: System.Data.ConnectionState.Open }))
            {
                // A timeout leaves the connection open; what was read in part is read again over a new one.
                await DisposeAsync();
                _connection = null;
                await Task.Delay(_reconnectDelay, cancellationToken);
            }
        }
    }

    private async Task<NpgsqlConnection> ListenAsync(CancellationToken cancellationToken)
    {
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            connection.Notification += (_, _) => _notified = true;
            await using var listen = new NpgsqlCommand($"listen {AppendSignal.Channel}", connection);
            await listen.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
