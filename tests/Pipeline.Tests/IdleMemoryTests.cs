using Npgsql;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What each worker has in memory while it waits for work: hundreds of them are started beside a few GPUs.</summary>
public sealed class IdleMemoryTests(IdleServers servers) : IClassFixture<IdleServers>
{
    private const int MostMebibytes = 120;

    public static TheoryData<string, string[]> Workers => new()
    {
        { "PromptGen", [] }, { "Sampler", [] }, { "Judge", [] }, { "PairBuilder", [] }, { "DpoTrainer", [] }, { "Evaluator", [] },
        { "Control", TinyRun.Arguments(Path.Combine(Path.GetTempPath(), $"selfreward-idle-{Environment.ProcessId}")) },
    };

    [Theory]
    [MemberData(nameof(Workers))]
    public async Task A_worker_without_a_model_takes_less_than_120_MiB(string worker, string[] arguments)
    {
        var cancelled = TestContext.Current.CancellationToken;
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        var folder = Directory.CreateTempSubdirectory("selfreward-idle-").FullName;
        try
        {
            // Connected to the broker: from then on it waits.
            var health = Path.Combine(folder, "health");
            using var process = SelfrewardProcess.StartProgram(worker, await servers.EnvironmentAsync(worker, folder, health, cancelled), arguments);
            using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while (!File.Exists(health) && !process.HasExited)
                await look.WaitForNextTickAsync(cancelled);

            process.HasExited.ShouldBeFalse(process.Output + process.Errors);
            (process.ResidentBytes / 1048576).ShouldBeLessThan(MostMebibytes);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>A broker and a database server for workers that have nothing to do; each gets an empty log.</summary>
public sealed class IdleServers : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-idle-servers-").FullName;
    private PrivateCluster _cluster = null!;
    private PrivateBroker? _rabbit;

    public async ValueTask InitializeAsync()
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
        _cluster = await PrivateCluster.StartAsync(Path.Combine(_folder, "cluster"));
        if (PrivateBroker.IsInstalled)
            _rabbit = await PrivateBroker.StartAsync(Path.Combine(_folder, "rabbitmq"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_rabbit is not null)
            await _rabbit.DisposeAsync();
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    internal async Task<IReadOnlyDictionary<string, string>> EnvironmentAsync(string worker, string data, string health, CancellationToken cancellationToken)
    {
        var database = $"idle_{worker.ToLowerInvariant()}";
        await using var admin = NpgsqlDataSource.Create(_cluster.ConnectionString);
        await using var create = admin.CreateCommand($"create database {database}");
        await create.ExecuteNonQueryAsync(cancellationToken);
        return new Dictionary<string, string>
        {
            ["SELFREWARD_POSTGRES"] = new NpgsqlConnectionStringBuilder(_cluster.ConnectionString) { Database = database }.ConnectionString,
            ["SELFREWARD_RABBITMQ"] = _rabbit!.Address,
            ["SELFREWARD_DATA"] = data,
            ["SELFREWARD_HEALTH_FILE"] = health,
        };
    }
}
