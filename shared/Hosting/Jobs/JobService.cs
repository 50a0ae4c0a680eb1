using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// Does the jobs of a queue one after the other. Each is done under a PostgreSQL advisory lock, so exactly one of many workers does it;
/// when that one dies the lock goes with its connection, and another takes over. Jobs find out from the log how far they have come.
/// </summary>
public abstract class JobService<TJob>(JobQueue<TJob> queue, NpgsqlDataSource database, HostFailure failure, ILogger logger) : BackgroundService
    where TJob : notnull
{
    private static readonly TimeSpan StandBy = TimeSpan.FromSeconds(1);

    /// <summary>The name of the lock under which the job is done.</summary>
    protected abstract string LockOf(TJob job);

    /// <summary>Does the job, or what is left of it. <paramref name="cancellationToken"/> also falls when the lock is lost.</summary>
    protected abstract Task DoAsync(TJob job, CancellationToken cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var job = await queue.NextAsync(stoppingToken);
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
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var held = await StreamLock.TryAcquireAsync(database, name, stoppingToken);
                if (held is null)
                {
                    if (attempt == 1)
                        logger.JobStandsBy(GetType().Name, name);
                    await Task.Delay(StandBy, stoppingToken);
                    continue;
                }

                using var both = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, held.Lost);
                await DoAsync(job, both.Token);
                return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested && (e is NpgsqlException { IsTransient: true } or OperationCanceledException or VersionConflictException))
            {
                // The database went away, or the lock with it: what is done is in the log; what is not will be found missing there.
                var pause = TimeSpan.FromSeconds(Math.Min(30, Math.Pow(2, Math.Min(attempt, 5))));
                logger.JobRetried(GetType().Name, e.Message, pause.TotalSeconds);
                await Task.Delay(pause, stoppingToken);
            }
        }
    }
}
