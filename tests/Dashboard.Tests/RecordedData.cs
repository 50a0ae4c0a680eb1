using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Http;
using SelfRewarding.Dashboard.Tests;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using SelfRewarding.Pipeline.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(RecordedData))]

namespace SelfRewarding.Dashboard.Tests;

/// <summary>
/// A data folder as it is beside a run: its PostgreSQL runs, and belongs to the process that has the folder. It holds one whole run and a fork of
/// it; tests add runs of their own.
/// </summary>
public sealed class RecordedData : IAsyncLifetime
{
    public const string Run = "kata-7";
    public const string Fork = "kata-7-fork-1";

    private LiveLog _live = null!;

    /// <summary>The data folder.</summary>
    public string Folder { get; } = TemporaryFolder();

    /// <summary>The PostgreSQL that the log is in.</summary>
    public string ConnectionString => _live.ConnectionString;

    /// <summary>The log, to write to.</summary>
    public FactLog Log => _live.Log;

    public async ValueTask InitializeAsync()
    {
        _live = await LiveLog.OpenAsync(Folder);
        await RecordedRuns.AppendAsync(Log, RecordedRuns.Named(Run));
        await RecordedRuns.AppendAsync(Log, [new RunStarted(Fork, SummaryExample.Settings, [], new RunOrigin(Run, 2, ForkStage.Pairs))]);
    }

    public async ValueTask DisposeAsync()
    {
        await _live.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Adds facts to the log.</summary>
    public Task AppendAsync(params IEnumerable<object> facts) => RecordedRuns.AppendAsync(Log, facts);

    /// <summary>A server beside the run.</summary>
    public Task<DashboardServer> ServeAsync(string urls = "http://127.0.0.1:0", string? token = null, Uri? broker = null) =>
        DashboardServer.StartAsync(Folder, shared: false, ServeOptions.From(urls, token), broker, CancellationToken.None);

    /// <summary>A folder that the server's account can look into when root runs the tests.</summary>
    public static string TemporaryFolder()
    {
        var folder = Directory.CreateTempSubdirectory("dashboard-tests-").FullName;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
        return folder;
    }
}

/// <summary>What a run has of a data folder: the folder, its PostgreSQL, and the log.</summary>
internal sealed class LiveLog : IAsyncDisposable
{
    private readonly DataFolder _folder;
    private readonly PrivateCluster _cluster;
    private readonly Npgsql.NpgsqlDataSource _database;
    private readonly NpgsqlEventStore _store;

    private LiveLog(DataFolder folder, PrivateCluster cluster, Npgsql.NpgsqlDataSource database)
    {
        (_folder, _cluster, _database, _store) = (folder, cluster, database, new NpgsqlEventStore(database, TimeProvider.System));
        Log = new FactLog(_store);
    }

    public string ConnectionString => _cluster.ConnectionString;

    public FactLog Log { get; }

    public static async Task<LiveLog> OpenAsync(string path, DataFolder? taken = null)
    {
        var folder = taken ?? DataFolder.Open(path);
        var cluster = await PrivateCluster.StartAsync(folder.Postgres);
        var database = Npgsql.NpgsqlDataSource.Create(cluster.ConnectionString);
        await EventStoreSchema.EnsureAsync(database);
        return new LiveLog(folder, cluster, database);
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _database.DisposeAsync();
        await _cluster.DisposeAsync();
        _folder.Dispose();
    }
}
