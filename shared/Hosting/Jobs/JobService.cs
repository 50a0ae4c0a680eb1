using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// Does the jobs of a queue one after the other. Each is done under a PostgreSQL advisory lock, so exactly one of many workers does it;
/// when that one dies the lock goes with its connection, and another takes over. Jobs find out from the log how far they have come.
/// </summary>
public abstract class JobService<TJob>(JobQueue<TJob> queue, NpgsqlDataSource database, HostFailure failure, Recovery recovery, ILogger logger) : BackgroundService
    where TJob : notnull
{
    // With pauses of 2, 4, 8, 16 and then 30 seconds: what has not passed after some minutes does not pass by itself.
    private const int MaxFailures = 10;

    private static readonly TimeSpan StandBy = TimeSpan.FromSeconds(1);

    /// <summary>The span that noted the job at hand, for the job's own spans to link to.</summary>
    protected ActivityContext Cause { get; private set; }

    /// <summary>The name of the lock under which the job is done.</summary>
    protected abstract string LockOf(TJob job);

    /// <summary>The run that the job belongs to.</summary>
    protected abstract string RunOf(TJob job);

    /// <summary>Does the job, or what is left of it. <paramref name="cancellationToken"/> also falls when the lock is lost.</summary>
    protected abstract Task DoAsync(TJob job, CancellationToken cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                (var job, Cause) = await queue.NextAsync(stoppingToken);
                await DoLockedAsync(job, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                failure.Report(GetType().Name, e, fatal: true);
                return;
            }
        }
    }

    private async Task DoLockedAsync(TJob job, CancellationToken stoppingToken)
    {
        var name = LockOf(job);
        var (failures, told) = (0, false);
        while (true)
        {
            try
            {
                await using var held = await StreamLock.TryAcquireAsync(database, name, stoppingToken);
                if (held is null)
                {
                    if (!told)
                        logger.JobStandsBy(GetType().Name, name);
                    told = true;
                    await Task.Delay(StandBy, stoppingToken);
                    continue;
                }

                using var both = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, held.Lost);
                await DoAsync(job, both.Token);
                if (failures > 0)
                    await recovery.RepublishAsync(RunOf(job), stoppingToken); // what was appended in a failed attempt may not have been published
                return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested && Passes(e) && ++failures < MaxFailures)
            {
                // The database went away, or the lock with it: what is done is in the log; what is not will be found missing there.
                var pause = TimeSpan.FromSeconds(Math.Min(30, Math.Pow(2, failures)));
                logger.JobRetried(GetType().Name, e.Message, pause.TotalSeconds);
                await Task.Delay(pause, stoppingToken);
            }
        }
    }

    // A full disk does not pass, though the server says that it might.
    private static bool Passes(Exception e) =>
        e is not PostgresException { SqlState: PostgresErrorCodes.DiskFull } && e is NpgsqlException { IsTransient: true } or OperationCanceledException or VersionConflictException;
}
