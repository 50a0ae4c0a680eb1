using Npgsql;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control;

/// <summary>
/// Where the log is: in the PostgreSQL that <c>SELFREWARD_POSTGRES</c> names, or else in the data folder's own one, which is started, or joined where another command has
/// started it. Every command finds the log through this.
/// </summary>
public sealed class LogServer : IAsyncDisposable
{
    private readonly PrivateCluster? _cluster;

    private LogServer(PrivateCluster? cluster, string connectionString) => (_cluster, ConnectionString) = (cluster, connectionString);

    /// <summary>The server that the environment names; null where the log is the data folder's own.</summary>
    public static string? Shared => WorkerOptions.Given(WorkerOptions.PostgresVariable);

    /// <summary>Where the log is, for people: <c>in data/postgres</c>, or <c>at postgres:5432, database selfreward</c>.</summary>
    /// <param name="folder">The data folder.</param>
    public static string Describe(string folder) => Shared is { } shared && new NpgsqlConnectionStringBuilder(shared) is var server
        ? $"at {server.Host}:{server.Port}, database {server.Database ?? server.Username}"
        : $"in {Path.Combine(folder, "postgres")}";

    /// <summary>For Npgsql.</summary>
    public string ConnectionString { get; }

    /// <summary>Finds the server.</summary>
    /// <param name="folder">The data folder's own cluster, made where it is missing.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="PrivateClusterException">The data folder's own server cannot be started.</exception>
    public static async Task<LogServer> OpenAsync(string folder, CancellationToken cancellationToken)
    {
        if (Shared is { } shared)
            return new LogServer(null, shared);
        var cluster = await PrivateCluster.StartAsync(folder, cancellationToken);
        return new LogServer(cluster, cluster.ConnectionString);
    }

    /// <summary>Stops the data folder's own server, if this started it.</summary>
    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? ValueTask.CompletedTask;
}
