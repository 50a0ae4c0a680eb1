using MassTransit;

namespace SelfRewarding.Benchmarks;

/// <summary>Counts what a host publishes and receives.</summary>
internal sealed class BusTraffic : IPublishObserver, IReceiveObserver
{
    private long _published, _received, _bytes;

    public long Published => Interlocked.Read(ref _published);

    public long Received => Interlocked.Read(ref _received);

    /// <summary>Of the bodies received.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>What failed first, or null.</summary>
    public Exception? Failure { get; private set; }

    public Task PrePublish<T>(PublishContext<T> context)
        where T : class => Task.CompletedTask;

    public Task PostPublish<T>(PublishContext<T> context)
        where T : class
    {
        Interlocked.Increment(ref _published);
        return Task.CompletedTask;
    }

    public Task PublishFault<T>(PublishContext<T> context, Exception exception)
        where T : class => Fail(exception);

    public Task PreReceive(ReceiveContext context)
    {
        Interlocked.Increment(ref _received);
        Interlocked.Add(ref _bytes, context.Body.Length ?? 0);
        return Task.CompletedTask;
    }

    public Task PostReceive(ReceiveContext context) => Task.CompletedTask;

    public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
        where T : class => Task.CompletedTask;

    public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
        where T : class => Fail(exception);

    public Task ReceiveFault(ReceiveContext context, Exception exception) => Fail(exception);

    private Task Fail(Exception exception)
    {
        Failure ??= exception;
        return Task.CompletedTask;
    }
}
