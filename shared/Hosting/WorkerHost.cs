using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>What every worker needs once: the log, the bus, telemetry, and the modules that do the work.</summary>
public static class WorkerHost
{
    // Four for each worker of a host: a lock or a follower, and what is read and appended meanwhile. One host that has them all, or control, needs no more than the most.
    private const int ConnectionsEach = 4, MostConnections = 16;

    // A confirmation that was under way when the connection broke may never come, and RabbitMQ.Client waits for it for ever
    // (https://github.com/rabbitmq/rabbitmq-dotnet-client/issues/1930). A broker that is restarted is back sooner than this.
    private static readonly TimeSpan ConfirmationPatience = TimeSpan.FromMinutes(1);

    /// <summary>Runs one worker as a process of its own, over RabbitMQ and a shared PostgreSQL, until it is told to stop.</summary>
    /// <returns>The exit code: 0 when it was told to stop, 1 when something failed for good, 2 when it could not start.</returns>
    public static async Task<int> RunAsync(WorkerModule module, string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        WorkerOptions options;
        try
        {
            options = WorkerOptions.From(builder.Configuration);
            builder.Services.AddWorkers(options, [module]).AddHostedService(provider => provider.GetRequiredService<Recovery>());
        }
        catch (WorkerOptionsException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }

        using var host = builder.Build();
        try
        {
            await WaitForStoreAsync(host.Services);
            await WaitForBrokerAsync(host.Services);
        }
        catch (WorkerOptionsException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }
        catch (Exception e) when (e is NpgsqlException or SchemaException or InvalidOperationException or ArgumentException)
        {
            await Console.Error.WriteLineAsync($"The log's database ({WorkerOptions.PostgresVariable}) cannot be used: {StoreConnection.Reason(e)}");
            return 2;
        }

        host.Services.GetRequiredService<ILogger<HostFailure>>().WorkerIsUp(module.Name, options.Data, options.RabbitMq is null ? "in memory" : "RabbitMQ");
        var failure = host.Services.GetRequiredService<HostFailure>();
        await host.RunAsync();
        return failure.First is null ? 0 : 1;
    }

    /// <summary>Adds everything that the given workers need to a host.</summary>
    /// <exception cref="WorkerOptionsException">One of them cannot work on this machine with these options.</exception>
    public static IServiceCollection AddWorkers(this IServiceCollection services, WorkerOptions options, IReadOnlyList<WorkerModule> modules)
    {
        if (modules.Select(module => module.Problem?.Invoke(options)).FirstOrDefault(problem => problem is not null) is { } problem)
            throw new WorkerOptionsException(problem);
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => new NpgsqlDataSourceBuilder(WithPool(options.Postgres, modules)).WithTracesOnly().Build());
        services.AddSingleton<IEventStore>(provider =>
            new NpgsqlEventStore(provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<FactLog>();
        services.AddSingleton<RunCatalog>();
        services.AddSingleton<RunLog>();
        services.AddSingleton<HostFailure>();
        services.AddSingleton<WorkInHand>();
        services.AddSingleton<Recovery>();
        services.AddWorkBus(options, modules);
        services.AddTelemetry(options, modules);
        services.AddHostedService<HealthFile>();
        foreach (var module in modules)
            module.AddServices(services);
        return services;
    }

    // A message needs a connection for a moment only, while every connection costs the server a process: a few serve all. Locks and followers hold theirs.
    private static string WithPool(string connectionString, IReadOnlyList<WorkerModule> modules)
    {
        var pooled = new NpgsqlConnectionStringBuilder(connectionString);
        // The builder's own ContainsKey says which keywords there are, not which are given.
        if (!pooled.ShouldSerialize("Maximum Pool Size"))
            pooled.MaxPoolSize = modules.Count == 0 ? MostConnections : Math.Min(MostConnections, ConnectionsEach * modules.Count);
        // Who holds a lock or a connection is seen in pg_stat_activity.
        pooled.ApplicationName ??= $"{(modules.Count == 1 ? modules[0].Name : "selfreward")} {Environment.ProcessId}";
        return pooled.ConnectionString;
    }

    /// <summary>Waits until PostgreSQL answers, saying so, and makes the tables that are missing.</summary>
    public static async Task WaitForStoreAsync(IServiceProvider services, CancellationToken cancellationToken = default)
    {
        var database = services.GetRequiredService<NpgsqlDataSource>();
        for (var failures = 1; ; failures++)
        {
            try
            {
                await EventStoreSchema.EnsureAsync(database, cancellationToken);
                return;
            }
            catch (Exception e) when (e is NpgsqlException { IsTransient: true } or { InnerException: System.Net.Sockets.SocketException } or SchemaException { IsForOwner: true })
            {
                services.GetRequiredService<ILogger<HostFailure>>().WaitingForStore(e.Message);
                await Task.Delay(Pauses.After(failures), cancellationToken);
            }
        }
    }

    /// <summary>Waits until the broker answers, where there is one, saying so.</summary>
    /// <exception cref="WorkerOptionsException">It answers and refuses: waiting would not help.</exception>
    public static async Task WaitForBrokerAsync(IServiceProvider services, CancellationToken cancellationToken = default)
    {
        if (services.GetRequiredService<WorkerOptions>().RabbitMq is { } address)
            await BrokerAddress.WaitAsync(address, services.GetRequiredService<ILogger<HostFailure>>(), cancellationToken);
    }

    /// <summary>Publishes a fact by its own type, so that whoever consumes that fact gets it. Waits until the broker has confirmed it, but not for ever.</summary>
    /// <exception cref="TimeoutException">There was no confirmation in time. The fact may have been published; doing so again costs nothing.</exception>
    public static Task PublishFactAsync(this IPublishEndpoint bus, object fact, CancellationToken cancellationToken) => bus.PublishFactAsync(fact, ConfirmationPatience, cancellationToken);

    internal static async Task PublishFactAsync(this IPublishEndpoint bus, object fact, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        either.CancelAfter(patience);
        try
        {
            await bus.Publish(fact, fact.GetType(), either.Token);
        }
        catch (OperationCanceledException e) when (either.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"the broker did not confirm {fact.GetType().Name} within {patience.TotalSeconds:0.#} s: it is away, or was when it should have", e);
        }
    }
}
