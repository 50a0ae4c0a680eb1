using Npgsql;
using SelfRewarding.EventStore.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(Postgres))]

namespace SelfRewarding.EventStore.Tests;

/// <summary>One real PostgreSQL for all tests; each test gets a schema of its own in it.</summary>
public sealed class Postgres : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("event-store-tests-").FullName;
    private PrivateCluster? _cluster;
    private string? _missing;
    private int _schemas;

    public async ValueTask InitializeAsync()
    {
        OpenToAll(_folder);
        try
        {
            _cluster = await PrivateCluster.StartAsync(Path.Combine(_folder, "cluster"));
        }
        catch (PrivateClusterException e) when (e.Message.Contains("not installed", StringComparison.Ordinal))
        {
            _missing = e.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A database with nothing in it.</summary>
    public async Task<NpgsqlDataSource> CreateEmptyAsync()
    {
        SkipIfMissing();
        var schema = $"test_{Interlocked.Increment(ref _schemas)}";
        await using (var admin = NpgsqlDataSource.Create(_cluster!.ConnectionString))
        await using (var create = admin.CreateCommand($"create schema {schema}"))
            await create.ExecuteNonQueryAsync();
        return NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_cluster.ConnectionString) { SearchPath = schema, MaxPoolSize = 40 });
    }

    /// <summary>A database with the event tables.</summary>
    public async Task<NpgsqlDataSource> CreateAsync()
    {
        var dataSource = await CreateEmptyAsync();
        await EventStoreSchema.EnsureAsync(dataSource);
        return dataSource;
    }

    public void SkipIfMissing() => Assert.SkipWhen(_missing is not null, _missing ?? "");

    // When root runs the tests, the server runs as another user.
    internal static void OpenToAll(string folder)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
    }
}
