using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A real PostgreSQL; each test gets a log and read models in a schema of its own.</summary>
public sealed class LogDatabase : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("read-models-tests-").FullName;
    private PrivateCluster _cluster = null!;
    private int _schemas;

    public async ValueTask InitializeAsync()
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
        _cluster = await PrivateCluster.StartAsync(Path.Combine(_folder, "cluster"));
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>An empty log.</summary>
    internal async Task<LogUnderTest> CreateAsync()
    {
        var schema = $"log_{Interlocked.Increment(ref _schemas)}";
        await using (var admin = NpgsqlDataSource.Create(_cluster.ConnectionString))
        await using (var create = admin.CreateCommand($"create schema {schema}"))
            await create.ExecuteNonQueryAsync();
        var log = Open(schema, "test");
        await EventStoreSchema.EnsureAsync(log.Database);
        await ReadModelSchema.EnsureAsync(log.Database, CancellationToken.None);
        return log;
    }

    /// <summary>The same log as another process sees it.</summary>
    internal LogUnderTest Open(string schema, string process, FactVersions? versions = null) => new(
        schema, versions, NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_cluster.ConnectionString) { SearchPath = schema, ApplicationName = process, MaxPoolSize = 30 }));
}

/// <summary>A log, and what stands on it.</summary>
internal sealed class LogUnderTest : IAsyncDisposable
{
    public LogUnderTest(string schema, FactVersions? versions, NpgsqlDataSource database)
    {
        (Schema, Database, Events) = (schema, database, new NpgsqlEventStore(database, TimeProvider.System));
        Log = new FactLog(Events, logger: null, versions);
        Runs = new RunLog(Log, new RunCatalog(Log));
        Store = new ReadModelStore(database);
        ReadModels = new RunReadModels(database, Runs);
    }

    public string Schema { get; }

    public NpgsqlDataSource Database { get; }

    public NpgsqlEventStore Events { get; }

    public FactLog Log { get; }

    public RunLog Runs { get; }

    public ReadModelStore Store { get; }

    public RunReadModels ReadModels { get; }

    /// <summary>Every row of the read models.</summary>
    public async Task<IReadOnlyList<ReadModelLine>> DumpAsync(string? run = null)
    {
        await using var connection = await Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        return await ReadModelStore.DumpAsync(connection, run, CancellationToken.None);
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> AskAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        await Events.DisposeAsync();
        await Database.DisposeAsync();
    }
}
