using Npgsql;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control;

/// <summary>The log of a data folder, for looking only: starts the private PostgreSQL, or joins the one that a run has started.</summary>
public sealed class LogReader : IAsyncDisposable
{
    private readonly DataFolder? _folder;
    private readonly PrivateCluster _cluster;

    private LogReader(string path, DataFolder? folder, PrivateCluster cluster, NpgsqlDataSource database)
    {
        (Folder, _folder, _cluster, Database) = (path, folder, cluster, database);
        Store = new NpgsqlEventStore(database, TimeProvider.System);
        Log = new FactLog(Store);
        Catalog = new RunCatalog(Log);
        Runs = new RunLog(Log, Catalog);
        ReadModels = new RunReadModels(database, Runs);
    }

    /// <summary>The data folder.</summary>
    public string Folder { get; }

    /// <summary>The log as events.</summary>
    public NpgsqlEventStore Store { get; }

    /// <summary>The log as facts.</summary>
    public FactLog Log { get; }

    /// <summary>What each run was started with.</summary>
    public RunCatalog Catalog { get; }

    /// <summary>The log as runs have it, forks included.</summary>
    public RunLog Runs { get; }

    /// <summary>The log's database.</summary>
    public NpgsqlDataSource Database { get; }

    /// <summary>What the log comes to, in tables.</summary>
    public RunReadModels ReadModels { get; }

    /// <summary>Opens the log.</summary>
    /// <exception cref="UserException">The folder holds none.</exception>
    public static async Task<LogReader> OpenAsync(string folder, CancellationToken cancellationToken)
    {
        var postgres = Path.Combine(folder, "postgres");
        if (!Directory.Exists(postgres))
            throw new UserException($"There is no log in '{folder}': 'selfreward run' makes one, or --data names another folder.");
        // Whoever has the folder has PostgreSQL. Without a run this is us, and a run that begins meanwhile is told so; beside a run we join.
        var own = DataFolder.TryOpen(folder);
        var cluster = await PrivateCluster.StartAsync(postgres, cancellationToken);
        var database = NpgsqlDataSource.Create(cluster.ConnectionString);
        await EventStoreSchema.EnsureAsync(database, cancellationToken);
        return new LogReader(folder, own, cluster, database);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await Database.DisposeAsync();
        await _cluster.DisposeAsync();
        _folder?.Dispose();
    }
}
