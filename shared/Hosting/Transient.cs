using MassTransit;
using Microsoft.Extensions.Logging;
using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace SelfRewarding.Hosting;

/// <summary>What passes by itself, so that trying again is worth while: the database or the broker is away, a disk or network stumbles.</summary>
public static class Transient
{
    private const int NoSpace = 28; // ENOSPC

    // What went well for so long before it failed has seen the failure before pass: a worker that lives for months sees its servers restarted many times.
    private static readonly TimeSpan WentWell = TimeSpan.FromMinutes(1);

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

    /// <summary>Tries work again that failed, with growing pauses, and gives up when it has failed in a row for as long as <see cref="Pauses.Promise"/> says.</summary>
    /// <param name="what">The work's name, for the log.</param>
    /// <param name="attempt">Does the work; is told how often it has failed before.</param>
    /// <param name="passes">Which failures are worth another try.</param>
    /// <param name="clock">The time; null is the system's.</param>
    public static async Task<T> TryAsync<T>(
        string what, ILogger logger, Func<int, Task<T>> attempt, Func<Exception, bool> passes, CancellationToken cancellationToken, TimeProvider? clock = null)
    {
        clock ??= TimeProvider.System;
        for (var (failures, inARow) = (0, 0); ; failures++)
        {
            var began = clock.GetTimestamp();
            try
            {
                return await attempt(failures);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && passes(e) && (inARow = clock.GetElapsedTime(began) < WentWell ? inARow + 1 : 1) <= Pauses.All.Count)
            {
                var pause = Pauses.After(inARow);
                logger.JobRetried(what, e.Message, pause.TotalSeconds);
                await Task.Delay(pause, clock, cancellationToken);
            }
        }
    }
}
