using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace SelfRewarding.Hosting;

/// <summary>The bus: MassTransit over its in-memory transport, or over RabbitMQ when an address is set.</summary>
public static class BusSetup
{
    // RabbitMQ 4 drops a message that came back twenty times. Here a message comes back with each worker that is killed, and with each look into an error queue.
    private const int MostDeliveries = 1_000_000;

    private static readonly TimeSpan NotesOutliveReader = TimeSpan.FromMinutes(1);

    /// <summary>Adds the bus with the consumers of the given workers. Queue names are the consumers' in kebab case.</summary>
    public static IServiceCollection AddWorkBus(this IServiceCollection services, WorkerOptions options, IReadOnlyList<WorkerModule> modules)
    {
        // Nothing is published before the queues are there to receive it.
        services.Configure<MassTransitHostOptions>(host => host.WaitUntilStarted = true);
        services.AddSingleton<ReconnectWatch>();
        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.SetKebabCaseEndpointNameFormatter();
            bus.AddConfigureEndpointsCallback((name, endpoint) =>
            {
                // Only what passes by itself is worth another try; the rest goes to the error queue with its reason (the headers MT-Fault-…).
                endpoint.UseMessageRetry(retry =>
                {
                    retry.Intervals([.. options.RabbitMq is null ? Pauses.InOneProcess : Pauses.All]);
                    retry.Handle<Exception>(Transient.Passes);
                });
                endpoint.UseExecute(ContractHeader.Check);
                if (endpoint is not IRabbitMqReceiveEndpointConfigurator rabbit)
                    return;
                rabbit.UseExecute(MessageLimit.CheckReceived);
                Configure(rabbit, isOurs: name.EndsWith(options.Instance, StringComparison.Ordinal));
            });
            foreach (var module in modules)
                module.AddConsumers(bus);
            bus.AddReceiveObserver<FaultObserver>();
            bus.AddReceiveEndpointObserver(provider => provider.GetRequiredService<ReconnectWatch>());
            if (options.RabbitMq is { } address)
            {
                bus.AddPublishObserver<MessageLimit>();
                bus.UsingRabbitMq((context, transport) =>
                {
                    // Publishing ends when the broker has confirmed the message: MassTransit's default (PublisherConfirmation), and what acknowledging the message before relies on.
                    transport.UseBroker(address);
                    transport.ConfigurePublish(publish => publish.UseExecute(ContractHeader.Write));
                    transport.ConfigureEndpoints(context);
                });
            }
            else
            {
                bus.UsingInMemory((context, transport) =>
                {
                    transport.ConfigurePublish(publish => publish.UseExecute(ContractHeader.Write));
                    transport.ConfigureEndpoints(context);
                });
            }
        });
        return services;
    }

    private static void Configure(IRabbitMqReceiveEndpointConfigurator queue, bool isOurs)
    {
        if (!isOurs)
        {
            queue.SetQuorumQueue();
            queue.SetQueueArgument("x-delivery-limit", MostDeliveries);
            return;
        }

        // This process's own, and it goes with it. What cannot be noted is logged and dropped: the log has the fact, and Recovery sends it again.
        queue.AutoDelete = true;
        queue.QueueExpiration = NotesOutliveReader;
        queue.DiscardFaultedMessages();
        queue.DiscardSkippedMessages();
    }
}
