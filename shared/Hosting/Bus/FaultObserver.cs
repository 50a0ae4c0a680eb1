using MassTransit;

namespace SelfRewarding.Hosting;

/// <summary>
/// Hears of every message that failed for good: it is logged and counted, and a host without a broker, which has no error queue to look into, stops.
/// </summary>
public sealed class FaultObserver(HostFailure failure, WorkerOptions options) : IReceiveObserver
{
    public Task PreReceive(ReceiveContext context) => Task.CompletedTask;

    public Task PostReceive(ReceiveContext context) => Task.CompletedTask;

    public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
        where T : class => Task.CompletedTask;

    public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
        where T : class => Report(context.ReceiveContext, $"{typeof(T).Name} in {consumerType[(consumerType.LastIndexOf('.') + 1)..]}", exception);

    // Refused before a consumer saw it: it cannot be parsed, or is of another version.
    public Task ReceiveFault(ReceiveContext context, Exception exception) =>
        Report(context, $"a message in queue '{WorkQueues.Of(context.InputAddress, options.Instance)}'", exception);

    private Task Report(ReceiveContext context, string what, Exception exception)
    {
        // The broker was lost in the middle of the work, and the delivery with it: nothing failed, and it gives the message to somebody again.
        if (exception is OperationCanceledException && context.CancellationToken.IsCancellationRequested)
            return Task.CompletedTask;
        FaultTelemetry.Count(WorkQueues.Of(context.InputAddress, options.Instance));
        failure.Report(what, exception, fatal: options.RabbitMq is null);
        return Task.CompletedTask;
    }
}
