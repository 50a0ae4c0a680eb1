using Npgsql;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control;

/// <summary>The log, for looking only, wherever it is (<see cref="LogServer"/>).</summary>
public sealed class LogReader : IAsyncDisposable
{
    private readonly DataFolder? _folder;
    private readonly LogServer _server;

    private LogReader(string path, DataFolder? folder, LogServer server, NpgsqlDataSource database)
    {
        (Folder, _folder, _server, Database) = (path, folder, server, database);
        Store = new NpgsqlEventStore(database, TimeProvider.System);
        Log = new FactLog(Store);
        Catalog = new RunCatalog(Log);
        Runs = new RunLog(Log, Catalog);
        ReadModels = new RunReadModels(database, Runs);
    }

    /// <summary>The data folder.</summary>
    public string Folder { get; }

    /// <summary>No other process has the data folder: its PostgreSQL was started for this reader.</summary>
    public bool HasFolder => _folder is not null;

    /// <summary>How the log's database is reached.</summary>
    public string ConnectionString => _server.ConnectionString;

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
    /// <exception cref="UserException">There is none, or its database cannot be used.</exception>
    /// <exception cref="SchemaException">A newer program has changed its tables.</exception>
    public static Task<LogReader> OpenAsync(string folder, CancellationToken cancellationToken) => OpenAsync(folder, make: false, cancellationToken);

    /// <summary>Opens the log, or makes one with nothing in it where there is none.</summary>
    /// <exception cref="UserException">Its database cannot be used.</exception>
    /// <exception cref="SchemaException">A newer program has changed its tables.</exception>
    public static Task<LogReader> OpenOrMakeAsync(string folder, CancellationToken cancellationToken) => OpenAsync(folder, make: true, cancellationToken);

    private static async Task<LogReader> OpenAsync(string folder, bool make, CancellationToken cancellationToken)
    {
        var postgres = Path.Combine(folder, "postgres");
        if (!make && LogServer.Shared is null && !Directory.Exists(postgres))
            throw new UserException($"There is no log in '{folder}': 'selfreward run' makes one, or --data names another folder.");
        // Whoever has the folder has its PostgreSQL. Without a run this is us, and a run that begins meanwhile is told so; beside a run we join. A shared server is nobody's.
        var own = LogServer.Shared is null ? DataFolder.TryOpen(folder) : null;
        LogServer? server = null;
        NpgsqlDataSource? database = null;
        try
        {
            server = await LogServer.OpenAsync(postgres, cancellationToken);
            database = NpgsqlDataSource.Create(server.ConnectionString);
            // To look into a server does not make a log there.
            if (!make && LogServer.Shared is not null && !await EventStoreSchema.ExistsAsync(database, cancellationToken))
                throw new UserException($"There is no log in the database that {WorkerOptions.PostgresVariable} names: 'selfreward run' makes one, or name another database.");
            await EventStoreSchema.EnsureAsync(database, cancellationToken);
            return new LogReader(folder, own, server, database);
        }
        catch (Exception e)
        {
            if (database is not null)
                await database.DisposeAsync();
            if (server is not null)
                await server.DisposeAsync();
            own?.Dispose();
            if (LogServer.Shared is not null && e is NpgsqlException or ArgumentException)
                throw new UserException($"The log's database ({WorkerOptions.PostgresVariable}) cannot be used: {StoreConnection.Reason(e)}", e);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await Database.DisposeAsync();
        await _server.DisposeAsync();
        _folder?.Dispose();
    }
}
