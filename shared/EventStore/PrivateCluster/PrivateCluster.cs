namespace SelfRewarding.EventStore;

/// <summary>
/// A PostgreSQL cluster of our own: made with <c>initdb</c> in a data folder, reached only through a Unix socket that only this user can open,
/// stopped when disposed.
/// </summary>
public sealed class PrivateCluster : IAsyncDisposable
{
    private PrivateCluster(string connectionString) => ConnectionString = connectionString;

    /// <summary>For Npgsql.</summary>
    public string ConnectionString { get; }

    /// <summary>Makes the cluster if the folder has none, starts it if it is not running, and waits until it accepts connections.</summary>
    /// <exception cref="PrivateClusterException">It cannot be made or started; the message says why, and what to do.</exception>
    public static Task<PrivateCluster> StartAsync(string dataFolder, CancellationToken cancellationToken = default) =>
        throw new PrivateClusterException("The private cluster is not built yet.");

    /// <summary>Stops the cluster: running transactions are rolled back, everything committed is kept.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
