using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.ReadModels;

/// <summary>
/// Keeps the read models beside the log while a run runs. One process does so at a time; another one stands by and takes over. They are
/// disposable, so trouble with them never ends a run: it is logged, and tried again.
/// </summary>
public sealed class ReadModelService(NpgsqlDataSource database, RunLog log, ILogger<ReadModelService> logger) : BackgroundService
{
    private static readonly TimeSpan StandBy = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Ending = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ReadModelSchema.EnsureAsync(database, stoppingToken);
                await using var held = await StreamLock.TryAcquireAsync(database, RunReadModels.Lock, stoppingToken);
                if (held is null)
                {
                    await Task.Delay(StandBy, stoppingToken);
                    continue;
                }

                using var both = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, held.Lost);
                await FollowAsync(both.Token, held.Lost);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is OperationCanceledException or ReadModelsMovedException)
            {
                // The lock is lost, or a rebuild came between: load, and go on from there.
                await Task.WhenAny(Task.Delay(StandBy, stoppingToken));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                var pause = Pauses.After(++failures);
                logger.ReadModelsWait(e.Message, pause.TotalSeconds, e);
                await Task.WhenAny(Task.Delay(pause, stoppingToken));
            }
        }
    }

    // Who asks the tables with SQL after a run has ended finds its end in them.
    private async Task FollowAsync(CancellationToken stop, CancellationToken lost)
    {
        var projection = new ReadModelProjection(log, new ReadModelStore(database));
        try
        {
            await projection.FollowAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !lost.IsCancellationRequested)
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(lost);
            ending.CancelAfter(Ending);
            await projection.CatchUpAsync(ending.Token);
        }
    }
}

internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Warning, "The read models do not go on for now ({Reason}); trying again in {Seconds} s")]
    internal static partial void ReadModelsWait(this ILogger logger, string reason, double seconds, Exception exception);
}
