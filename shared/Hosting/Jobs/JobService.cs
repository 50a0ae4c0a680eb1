using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// Does the jobs of a queue one after the other. Each is done under a PostgreSQL advisory lock, so exactly one of the many workers that know of
/// it does it; when that one dies the lock goes with its connection, and another takes over. Jobs find out from the log how far they have come.
/// </summary>
public abstract class JobService<TJob>(JobQueue<TJob> queue, NpgsqlDataSource database, HostFailure failure, Recovery recovery, ILogger logger) : BackgroundService
    where TJob : notnull
{
    private static readonly TimeSpan StandBy = TimeSpan.FromSeconds(1);

    private readonly HashSet<TJob> _standingBy = [];

    /// <summary>The span that noted the job at hand, for the job's own spans to link to.</summary>
    protected ActivityContext Cause { get; private set; }

    /// <summary>The log's database.</summary>
    protected NpgsqlDataSource Database => database;

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
                if (await TryDoAsync(job, stoppingToken))
                {
                    _standingBy.Remove(job);
                    continue;
                }

                // Another worker is at it, and may die; meanwhile there may be a job that nobody does.
                if (_standingBy.Add(job))
                    logger.JobStandsBy(GetType().Name, LockOf(job));
                queue.Note(job, Cause);
                await Task.Delay(StandBy, stoppingToken);
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

    // False where another worker holds the job's lock. What is done is in the log when the database, the broker or the lock went away; what is not will be found missing there.
    private Task<bool> TryDoAsync(TJob job, CancellationToken stoppingToken) => Transient.TryAsync(GetType().Name, logger, async failures =>
    {
        await using var held = await StreamLock.TryAcquireAsync(database, LockOf(job), stoppingToken);
        if (held is null)
            return false;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, held.Lost);
        try
        {
            await DoAsync(job, both.Token);
        }
        catch (Exception e) when (held.Lost.IsCancellationRequested && !stoppingToken.IsCancellationRequested && e is not OutOfMemoryException)
        {
            // Another worker may be at it by now, and have moved what this one wanted: whatever failed then says nothing about the job.
            throw new OperationCanceledException($"the lock '{LockOf(job)}' was lost with its connection to the database", e, held.Lost);
        }

        if (failures > 0)
            await recovery.RepublishAsync(RunOf(job), stoppingToken); // what was appended in a failed attempt may not have been published
        return true;
    }, Passes, stoppingToken);

    private static bool Passes(Exception e) => Transient.Passes(e) || e is OperationCanceledException or VersionConflictException;
}
