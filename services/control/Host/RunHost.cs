using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.Control.Up;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control;

/// <summary>
/// What a run is carried by. By default everything in one process: all workers, in-memory bus, private PostgreSQL. Where <c>selfreward up</c> has the data folder, or
/// <c>SELFREWARD_POSTGRES</c> and <c>SELFREWARD_RABBITMQ</c> are set, the workers are processes of their own, and this one starts and watches.
/// </summary>
public sealed class RunHost : IAsyncDisposable
{
    private readonly LogServer _server;
    private readonly IHost _host;

    private RunHost(LogServer server, IHost host)
    {
        _server = server;
        _host = host;
    }

    /// <summary>The log.</summary>
    public FactLog Log => _host.Services.GetRequiredService<FactLog>();

    /// <summary>The log as runs have it, forks included.</summary>
    public RunLog Runs => _host.Services.GetRequiredService<RunLog>();

    /// <summary>What the log comes to, in tables; they follow the log while the host runs.</summary>
    public RunReadModels ReadModels => _host.Services.GetRequiredService<RunReadModels>();

    /// <summary>Falls when a worker failed for good.</summary>
    public CancellationToken Stopping => _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    /// <summary>What made a worker fail for good, or null.</summary>
    public Exception? Failure => _host.Services.GetRequiredService<HostFailure>().First;

    /// <summary>Starts PostgreSQL where it is ours, and builds the host; the workers start with <see cref="StartAsync"/>.</summary>
    public static Task<RunHost> OpenAsync(DataFolder data, string run, CancellationToken cancellationToken) => OpenAsync(data, run, _ => { }, cancellationToken);

    /// <summary>The same with services of one's own, which go before those of their kind that a run has otherwise.</summary>
    public static async Task<RunHost> OpenAsync(DataFolder data, string run, Action<IServiceCollection> addServices, CancellationToken cancellationToken)
    {
        var environment = new ConfigurationBuilder().AddEnvironmentVariables().AddInMemoryCollection(Places(data)).Build();
        var distributed = WorkerOptions.Given(environment, WorkerOptions.PostgresVariable) is not null || WorkerOptions.Given(environment, WorkerOptions.RabbitMqVariable) is not null;
        var shared = distributed ? WorkerOptions.From(environment) : null;
        var (device, telemetry) = (WorkerOptions.DeviceOf(environment), TelemetryOptions.From(environment));
        var server = await LogServer.OpenAsync(data.Postgres, cancellationToken);
        try
        {
            var options = shared ?? new WorkerOptions { Data = data.Path, OnlyRun = run, Postgres = server.ConnectionString, Device = device, Telemetry = telemetry };
            var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
            builder.Logging.AddProvider(new FileLoggerProvider(Path.Combine(data.Path, "selfreward.log"))).SetMinimumLevel(LogLevel.Warning);
            // What it waits for before it begins is for the person who waits, too.
            builder.Logging.AddProvider(new WaitingLoggerProvider());
            addServices(builder.Services);
            builder.Services.AddWorkers(options, distributed ? [] : [.. Programs.All.Select(worker => worker.Module)]).AddSingleton<RunReadModels>().AddHostedService<ReadModelService>();
            var host = builder.Build();
            await WorkerHost.WaitForStoreAsync(host.Services, cancellationToken);
            await WorkerHost.WaitForBrokerAsync(host.Services, cancellationToken);
            return new RunHost(server, host);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private static IEnumerable<KeyValuePair<string, string?>> Places(DataFolder data)
    {
        yield return KeyValuePair.Create(WorkerOptions.DataVariable, (string?)data.Path);
        if (data.Up is not { } up)
            yield break;
        yield return KeyValuePair.Create(WorkerOptions.PostgresVariable, (string?)up.Postgres);
        yield return KeyValuePair.Create(WorkerOptions.RabbitMqVariable, (string?)up.RabbitMq);
    }

    /// <summary>Starts the bus and every worker, and puts onto the bus what is outstanding of a run.</summary>
    public async Task StartAsync(string run, CancellationToken cancellationToken)
    {
        await _host.StartAsync(cancellationToken);
        await _host.Services.GetRequiredService<Recovery>().RepublishAsync(run, cancellationToken);
    }

    /// <summary>Stops the workers, then PostgreSQL.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _host.StopAsync(CancellationToken.None);
            if (_host is IAsyncDisposable disposable)
                await disposable.DisposeAsync();
        }
        finally
        {
            await _server.DisposeAsync();
        }
    }
}
