using MassTransit;
using Microsoft.Extensions.Logging;
using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace SelfRewarding.Hosting;

/// <summary>What passes by itself, so that trying again is worth while: the database or the broker is away, a disk or network stumbles.</summary>
public static class Transient
{
    private const int NoSpace = 28; // ENOSPC

    // With pauses of 2, 4, 8, 16 and then 30 seconds: what has not passed after some minutes does not pass by itself.
    private const int MaxFailures = 10;

    /// <summary>Whether a failure may pass. A full disk does not, though PostgreSQL says that it might; neither does a file that is not there.</summary>
    public static bool Passes(Exception failure) => failure switch
    {
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => false,
        NpgsqlException e => e.IsTransient,
        ConnectionException e => e.IsTransient,
        FileNotFoundException or DirectoryNotFoundException => false,
        IOException e => e.HResult != NoSpace,
        TimeoutException or TransportException or TransportUnavailableException or RabbitMQClientException => true,
        _ => false,
    };

    /// <summary>Tries work again that failed, with growing pauses.</summary>
    /// <param name="what">The work's name, for the log.</param>
    /// <param name="attempt">Does the work; is told how often it has failed before.</param>
    /// <param name="passes">Which failures are worth another try.</param>
    public static async Task<T> TryAsync<T>(string what, ILogger logger, Func<int, Task<T>> attempt, Func<Exception, bool> passes, CancellationToken cancellationToken)
    {
        for (var failures = 0; ;)
        {
            try
            {
                return await attempt(failures);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && passes(e) && ++failures < MaxFailures)
            {
                var pause = TimeSpan.FromSeconds(Math.Min(30, Math.Pow(2, failures)));
                logger.JobRetried(what, e.Message, pause.TotalSeconds);
                await Task.Delay(pause, cancellationToken);
            }
        }
    }
}
