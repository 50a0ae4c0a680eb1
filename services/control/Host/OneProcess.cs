using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Evaluator;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using SelfRewarding.Judge;
using SelfRewarding.PairBuilder;
using SelfRewarding.PromptGen;
using SelfRewarding.Sampler;

namespace SelfRewarding.Control;

/// <summary>All workers in one process: in-memory bus, private PostgreSQL. The same modules that run as processes of their own elsewhere.</summary>
public sealed class OneProcess : IAsyncDisposable
{
    private static readonly IReadOnlyList<WorkerModule> Modules =
    [
        PromptGenModule.Module, SamplerModule.Module, JudgeModule.Module, PairBuilderModule.Module, DpoTrainerModule.Module, EvaluatorModule.Module,
    ];

    private readonly PrivateCluster _cluster;
    private readonly IHost _host;

    private OneProcess(PrivateCluster cluster, IHost host)
    {
        _cluster = cluster;
        _host = host;
    }

    /// <summary>The log.</summary>
    public FactLog Log => _host.Services.GetRequiredService<FactLog>();

    /// <summary>Everything that the host was built with.</summary>
    public IServiceProvider Services => _host.Services;

    /// <summary>Falls when a worker failed for good.</summary>
    public CancellationToken Stopping => _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    /// <summary>What made a worker fail for good, or null.</summary>
    public Exception? Failure => _host.Services.GetRequiredService<HostFailure>().First;

    /// <summary>Starts PostgreSQL and builds the host; the workers start with <see cref="StartWorkersAsync"/>.</summary>
    public static async Task<OneProcess> OpenAsync(DataFolder data, CancellationToken cancellationToken)
    {
        var cluster = await PrivateCluster.StartAsync(data.Postgres, cancellationToken);
        try
        {
            var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
            builder.Logging.AddProvider(new FileLoggerProvider(Path.Combine(data.Path, "selfreward.log"))).SetMinimumLevel(LogLevel.Warning);
            builder.Services.AddWorkers(
                new WorkerOptions
                {
                    Data = data.Path,
                    Postgres = cluster.ConnectionString,
                    OtlpEndpoint = Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"),
                },
                Modules);
            var host = builder.Build();
            await WorkerHost.WaitForStoreAsync(host.Services, cancellationToken);
            return new OneProcess(cluster, host);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the bus and every worker.</summary>
    public Task StartWorkersAsync(CancellationToken cancellationToken) => _host.StartAsync(cancellationToken);

    /// <summary>Stops the workers, then PostgreSQL.</summary>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
        await _cluster.DisposeAsync();
    }
}
