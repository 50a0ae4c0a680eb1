using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>A connection that listens for notifications, taken from a pool whose connections keep what was set on them: it stops listening when it is given back.</summary>
public sealed class Listening : IAsyncDisposable
{
    private Listening(NpgsqlConnection connection) => Connection = connection;

    /// <summary>For queries, and for waiting for the next notification.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>Takes a connection and listens on it.</summary>
    /// <param name="dataSource">Where connections come from.</param>
    /// <param name="channel">An SQL name.</param>
    /// <param name="notified">Called for each notification, while the connection waits or answers.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="NpgsqlException">PostgreSQL cannot be reached.</exception>
    public static async Task<Listening> StartAsync(NpgsqlDataSource dataSource, string channel, Action notified, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            connection.Notification += (_, _) => notified();
            await using var listen = new NpgsqlCommand($"listen {channel}", connection);
            await listen.ExecuteNonQueryAsync(cancellationToken);
            return new Listening(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops listening, where the connection still can, and gives it back.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await using var stop = new NpgsqlCommand("unlisten *", Connection);
            await stop.ExecuteNonQueryAsync();
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The connection is lost, and does not go back to the pool.
        }

        await Connection.DisposeAsync();
    }
}
