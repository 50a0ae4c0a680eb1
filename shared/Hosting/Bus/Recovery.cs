using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// Makes the broker disposable: what the log says is outstanding goes onto the bus again at every start, whenever the broker was away (it may have come back empty), and
/// when the log stands still though there is work. Each message goes on in the trace that is recorded with it. Whoever finds the work done already does nothing.
/// </summary>
public sealed class Recovery(
    RunLog log, IBus bus, NpgsqlDataSource database, WorkerOptions options, ReconnectWatch reconnects, ILogger<Recovery> logger) : BackgroundService
{
    // Training records every step and generation every prompt: a log that stands still for so long waits for something.
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>Publishes what is outstanding, of one run or of all.</summary>
    public async Task RepublishAsync(string? run, CancellationToken cancellationToken)
    {
        foreach (var recorded in await OutstandingAsync(run, cancellationToken))
            await PublishAsync(recorded, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (standstill, pause) = (new Standstill(), Turn);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (standstill.Look(await LogEnd.OfAsync(database, stoppingToken)))
                    standstill.Sent(await RepublishLostAsync(stoppingToken));
                pause = Turn;
                if (await reconnects.WaitAsync(Look, stoppingToken))
                    standstill.Reconnected();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (Transient.Passes(e))
            {
                logger.JobRetried(nameof(Recovery), e.Message, pause.TotalSeconds);
                await Task.Delay(pause, stoppingToken);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    // Every worker does this, since only it knows when its own queue is there to receive; one after the other, so that the next sees what the one before has sent.
    // False where something was left alone because messages wait.
    private async Task<bool> RepublishLostAsync(CancellationToken cancellationToken)
    {
        StreamLock? turn;
        while ((turn = await StreamLock.TryAcquireAsync(database, "recovery", cancellationToken)) is null)
            await Task.Delay(Turn, cancellationToken);
        await using var held = turn;
        var messages = await OutstandingAsync(null, cancellationToken);
        if (messages.Count == 0)
            return true;
        var there = await QueuedAsync(cancellationToken);
        var (sent, all) = (0, true);
        foreach (var fact in messages.GroupBy(recorded => recorded.Fact.GetType()))
        {
            // Where at least as many messages wait, none was lost, or their like is there already; unless those that wait are others, which the next look will tell.
            if (there.GetValueOrDefault(fact.Key) >= fact.Count())
            {
                all = false;
                continue;
            }

            foreach (var recorded in fact)
                await PublishAsync(recorded, cancellationToken);
            sent += fact.Count();
        }

        if (sent > 0)
            logger.Republished(sent);
        return all;
    }

    private async Task<Dictionary<Type, long>> QueuedAsync(CancellationToken cancellationToken)
    {
        var queued = new Dictionary<Type, long>();
        if (options.RabbitMq is null)
            return queued;
        await using var queues = await BrokerQueues.OpenAsync(options.RabbitMq, cancellationToken);
        foreach (var (queue, fact) in WorkQueues.All)
            queued[fact] = (await queues.FindAsync(queue, cancellationToken))?.Ready ?? 0;
        return queued;
    }

    private async Task PublishAsync(Recorded recorded, CancellationToken cancellationToken)
    {
        using var span = Traces.Resume(recorded);
        await bus.PublishFactAsync(recorded.Fact, cancellationToken);
    }

    private async Task<IReadOnlyList<Recorded>> OutstandingAsync(string? run, CancellationToken cancellationToken)
    {
        var outstanding = new Outstanding();
        await foreach (var recorded in log.ReadAllAsync(0, run, cancellationToken))
            outstanding.Apply(recorded);
        return outstanding.Facts(run);
    }
}
