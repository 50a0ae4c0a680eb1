using Npgsql;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>A private PostgreSQL and a private RabbitMQ in a temporary folder, and what they use.</summary>
internal sealed class BenchmarkServers
{
    private readonly PrivateCluster _postgres;
    private readonly PrivateBroker _rabbit;
    private readonly int _postgresProcess;

    private BenchmarkServers(string folder, PrivateCluster postgres, PrivateBroker rabbit)
    {
        (Folder, _postgres, _rabbit) = (folder, postgres, rabbit);
        _postgresProcess = ProcessTree.Find(Path.Combine(folder, "cluster"));
    }

    /// <summary>The folder, for models and the like.</summary>
    public string Folder { get; }

    /// <summary>The broker's address.</summary>
    public string RabbitMq => _rabbit.Address;

    public ProcessTree PostgresUse => ProcessTree.Of([_postgresProcess]);

    public ProcessTree RabbitMqUse => ProcessTree.Of([_rabbit.ProcessId]);

    /// <summary>Starts both, lends them, and removes everything.</summary>
    public static async Task UseAsync(string name, Func<BenchmarkServers, Task> measure, CancellationToken cancellationToken)
    {
        await TemporaryFolder.UseAsync($"{name}-benchmark", async folder =>
        {
            await using var postgres = await PrivateCluster.StartAsync(Path.Combine(folder, "cluster"), cancellationToken);
            await using var rabbit = await PrivateBroker.StartAsync(Path.Combine(folder, "rabbitmq"), cancellationToken);
            await measure(new BenchmarkServers(folder, postgres, rabbit));
            return folder;
        });
    }

    /// <summary>Makes a database with an empty log. The pool's size is left to whoever connects.</summary>
    public async Task<string> CreateLogAsync(string name, CancellationToken cancellationToken)
    {
        await using (var admin = NpgsqlDataSource.Create(_postgres.ConnectionString))
        await using (var create = admin.CreateCommand($"create database {name}"))
            await create.ExecuteNonQueryAsync(cancellationToken);
        var connection = new NpgsqlConnectionStringBuilder(_postgres.ConnectionString) { Database = name };
        connection.Remove("Maximum Pool Size");
        await using var log = NpgsqlDataSource.Create(connection.ConnectionString);
        await EventStoreSchema.EnsureAsync(log, cancellationToken);
        return connection.ConnectionString;
    }
}
