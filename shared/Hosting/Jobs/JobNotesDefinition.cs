using MassTransit;

namespace SelfRewarding.Hosting;

/// <summary>
/// How notes of long work are read: every process has a queue of its own, so that all of them know of each job. One does it, under its lock; the others stand by and take
/// over when it dies. A note that only one process had would be lost with it.
/// </summary>
public sealed class JobNotesDefinition<TConsumer> : ConsumerDefinition<TConsumer>
    where TConsumer : class, IConsumer
{
    public JobNotesDefinition(WorkerOptions options) => Endpoint(endpoint => endpoint.InstanceId = options.Instance);
}
