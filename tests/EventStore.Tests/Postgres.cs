using System.Diagnostics;
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
    private readonly SemaphoreSlim _making = new(1);
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
        _making.Dispose();
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

    /// <summary>The same database for a user who may read it, and change nothing.</summary>
    public static async Task<NpgsqlDataSource> AsReaderAsync(NpgsqlDataSource database)
    {
        var schema = new NpgsqlConnectionStringBuilder(database.ConnectionString).SearchPath;
        await using var create = database.CreateCommand($"create role {schema}_reader login; grant usage on schema {schema} to {schema}_reader; grant select on all tables in schema {schema} to {schema}_reader");
        await create.ExecuteNonQueryAsync();
        return NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = $"{schema}_reader" });
    }

    /// <summary>A database of its own that sorts text by the rules of a language, with the event tables.</summary>
    public async Task<NpgsqlDataSource> CreateInLanguageAsync(string language)
    {
        SkipIfMissing();
        var name = $"language_{Interlocked.Increment(ref _schemas)}";
        await using (var admin = NpgsqlDataSource.Create(_cluster!.ConnectionString))
        await using (var create = admin.CreateCommand($"create database {name} template template0 locale_provider icu icu_locale '{language}'"))
            await create.ExecuteNonQueryAsync();
        var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_cluster.ConnectionString) { Database = name });
        await EventStoreSchema.EnsureAsync(database);
        return database;
    }

    public void SkipIfMissing() => Assert.SkipWhen(_missing is not null, _missing ?? "");

    /// <summary>Copies a cluster that was made and never used: quicker than <c>initdb</c>.</summary>
    public async Task CopyUnusedClusterAsync(string home)
    {
        var made = Path.Combine(_folder, "unused");
        await _making.WaitAsync();
        try
        {
            if (!Directory.Exists(made))
                await (await PrivateCluster.StartAsync(made)).DisposeAsync();
        }
        finally
        {
            _making.Release();
        }

        using var copy = Process.Start("cp", ["--archive", made, home]);
        await copy.WaitForExitAsync();
        Assert.Equal(0, copy.ExitCode);
    }

    // When root runs the tests, the server runs as another user.
    internal static void OpenToAll(string folder)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
    }
}
