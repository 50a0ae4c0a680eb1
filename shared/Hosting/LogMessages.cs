using Microsoft.Extensions.Logging;

namespace SelfRewarding.Hosting;

internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Error, "{What} failed: {Reason}")]
    internal static partial void WorkFailed(this ILogger logger, string what, string reason, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "{Job} failed for now ({Reason}); trying again in {Seconds} s")]
    internal static partial void JobRetried(this ILogger logger, string job, string reason, double seconds);

    [LoggerMessage(3, LogLevel.Information, "{Job}: another worker holds the lock '{Lock}'; standing by")]
    internal static partial void JobStandsBy(this ILogger logger, string job, string @lock);

    [LoggerMessage(4, LogLevel.Warning, "Waiting for PostgreSQL: {Reason}")]
    internal static partial void WaitingForStore(this ILogger logger, string reason);

    [LoggerMessage(5, LogLevel.Information, "{Service} is up: data in {Data}, bus {Bus}")]
    internal static partial void WorkerIsUp(this ILogger logger, string service, string data, string bus);

    [LoggerMessage(7, LogLevel.Warning, "Waiting for RabbitMQ at {Broker}: {Reason}")]
    internal static partial void WaitingForBroker(this ILogger logger, string broker, string reason);

    [LoggerMessage(8, LogLevel.Information, "Put {Count} messages onto the bus that the log says are outstanding")]
    internal static partial void Republished(this ILogger logger, int count);

    [LoggerMessage(9, LogLevel.Information, "Queue '{Queue}' is filled: {Ready} messages wait in it that may be the {Missing} that the log says are outstanding. It is left alone until it has drained")]
    internal static partial void QueueFilled(this ILogger logger, string queue, long ready, int missing);

    [LoggerMessage(6, LogLevel.Warning, "The log has events named {Name} (the first read is {Version} of {Stream}), which this version does not know: they are carried along and left out of account. A newer version wrote them")]
    internal static partial void UnknownFactRead(this ILogger logger, string name, string stream, long version);
}
