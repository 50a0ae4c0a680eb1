using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace SelfRewarding.Hosting;

/// <summary>The bus: MassTransit over its in-memory transport, or over RabbitMQ when an address is set.</summary>
public static class BusSetup
{
    /// <summary>Adds the bus with the consumers of the given workers. Queue names are the consumers' in kebab case.</summary>
    public static IServiceCollection AddWorkBus(this IServiceCollection services, WorkerOptions options, IReadOnlyList<WorkerModule> modules)
    {
        // Nothing is published before the queues are there to receive it.
        services.Configure<MassTransitHostOptions>(host => host.WaitUntilStarted = true);
        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.SetKebabCaseEndpointNameFormatter();
            bus.AddConfigureEndpointsCallback((_, endpoint) =>
            {
                // Only what passes by itself is worth another try; the rest goes to the error queue with its reason.
                endpoint.UseMessageRetry(retry =>
                {
                    retry.Exponential(5, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(500));
                    retry.Handle<NpgsqlException>(e => e.IsTransient);
                    retry.Handle<TimeoutException>();
                });
                if (endpoint is IRabbitMqReceiveEndpointConfigurator rabbit)
                    rabbit.SetQuorumQueue();
            });
            foreach (var module in modules)
                module.AddConsumers(bus);
            bus.AddReceiveObserver<FaultObserver>();
            if (options.RabbitMq is { } address)
            {
                bus.UsingRabbitMq((context, transport) =>
                {
                    transport.Host(new Uri(address));
                    transport.ConfigureEndpoints(context);
                });
            }
            else
            {
                bus.UsingInMemory((context, transport) => transport.ConfigureEndpoints(context));
            }
        });
        return services;
    }
}
