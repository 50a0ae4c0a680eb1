using MassTransit;

namespace SelfRewarding.Hosting;

/// <summary>Hears of every message that failed for good: it is logged, and a host without a broker, which has no error queue to look into, stops.</summary>
public sealed class FaultObserver(HostFailure failure, WorkerOptions options) : IReceiveObserver
{
    public Task PreReceive(ReceiveContext context) => Task.CompletedTask;

    public Task PostReceive(ReceiveContext context) => Task.CompletedTask;

    public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
        where T : class => Task.CompletedTask;

    public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
        where T : class
    {
        failure.Report($"{typeof(T).Name} in {consumerType[(consumerType.LastIndexOf('.') + 1)..]}", exception, fatal: options.RabbitMq is null);
        return Task.CompletedTask;
    }

    public Task ReceiveFault(ReceiveContext context, Exception exception)
    {
        failure.Report("a message that could not be read", exception, fatal: options.RabbitMq is null);
        return Task.CompletedTask;
    }
}
