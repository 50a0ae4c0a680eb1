using MassTransit;

namespace SelfRewarding.Hosting;

/// <summary>
/// How a queue is read that all workers of a kind share. The broker deals its messages out one by one to whoever has room, so each takes what it can do at once and no
/// more (see <see cref="WorkerOptions.MessagesAtOnce"/>).
/// </summary>
public abstract class WorkDefinition<TConsumer> : ConsumerDefinition<TConsumer>
    where TConsumer : class, IConsumer
{
    /// <param name="atOnce">Messages that are taken, and worked on, at once.</param>
    protected WorkDefinition(int atOnce) => Endpoint(endpoint =>
    {
        endpoint.PrefetchCount = atOnce;
        endpoint.ConcurrentMessageLimit = atOnce;
    });
}
