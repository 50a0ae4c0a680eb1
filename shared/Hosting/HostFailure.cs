using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SelfRewarding.Hosting;

/// <summary>The first failure that a host cannot work around. It stops the host; the log keeps everything, so a new start goes on.</summary>
public sealed class HostFailure(IHostApplicationLifetime lifetime, ILogger<HostFailure> logger)
{
    private Exception? _first;

    /// <summary>What stopped the host, or null.</summary>
    public Exception? First => _first;

    /// <summary>Logs a failure and, when it is fatal, stops the host. Cancellation by a stopping host is none.</summary>
    public void Report(string what, Exception exception, bool fatal)
    {
        if (exception is OperationCanceledException && lifetime.ApplicationStopping.IsCancellationRequested)
            return;
        logger.WorkFailed(what, exception.Message, exception);
        if (fatal && Interlocked.CompareExchange(ref _first, exception, null) is null)
            lifetime.StopApplication();
    }
}
