using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// Makes the broker disposable: what the log says is outstanding goes onto the bus again at every start, whenever the broker was away (it may have come back empty), and
/// when the log stands still though there is work. What is certainly still there is left alone: prompts that somebody works on (<see cref="WorkInHand"/>), prompts that wait
/// in an error queue for a person, and as many as wait in the queue. When in doubt it is sent: whoever finds the work done already does nothing, while what is lost is lost.
/// Each message goes on in the trace that is recorded with it.
/// </summary>
public sealed class Recovery(
    RunLog log, IBus bus, NpgsqlDataSource database, WorkerOptions options, ReconnectWatch reconnects, ILogger<Recovery> logger) : BackgroundService
{
    // A message that is on its way from a queue into somebody's hand, or from there into the next queue, is nowhere for a moment: what is missing at every look is lost.
    private const int Looks = 4;

    // More than a person sorts out by hand. What lies behind them counts as lost.
    private const int FailedLookedAt = 10_000;
    private const int PromptsAtOnce = 256;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);

    // Training records every step and generation every prompt: a log that stands still for so long waits for something.
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(250);

    private readonly Outstanding _outstanding = new();
    private readonly SemaphoreSlim _folding = new(1);
    private readonly FilledQueues _filled = new();

    /// <summary>Publishes what is outstanding of a run, but for what is certainly on the broker or in somebody's hand.</summary>
    public async Task RepublishAsync(string run, CancellationToken cancellationToken)
    {
        if (options.RabbitMq is null)
        {
            var (notes, prompts) = await FoldAsync(outstanding => (outstanding.Notes(run), outstanding.Prompts(run)), cancellationToken);
            await PublishAsync(notes, prompts, cancellationToken);
            return;
        }

        // What waits in a queue may be other runs': here only what is not missing by number is left alone.
        await RepublishLostAsync(run, (_, ready, missing) => ready >= missing, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (standstill, failures) = (new Standstill(), 0);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (standstill.Look(await LogEnd.OfAsync(database, stoppingToken)))
                    standstill.Sent(await RepublishLostAsync(null, _filled.IsFilled, stoppingToken));
                failures = 0;
                if (await reconnects.WaitAsync(Look, stoppingToken))
                {
                    standstill.Reconnected();
                    _filled.Clear();
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (Transient.Passes(e))
            {
                var pause = Pauses.After(++failures);
                logger.JobRetried(nameof(Recovery), e.Message, pause.TotalSeconds);
                await Task.Delay(pause, stoppingToken);
            }
        }
    }

    // Every worker does this, since only it knows when its own queue is there to receive; one after the other, so that the next sees what the one before has sent.
    // False where something was left alone because it is in work, or because messages wait that may or may not be those.
    internal async Task<bool> RepublishLostAsync(string? run, Func<string, long, int, bool> isFilled, CancellationToken cancellationToken)
    {
        StreamLock? turn;
        while ((turn = await StreamLock.TryAcquireAsync(database, "recovery", cancellationToken)) is null)
            await Task.Delay(Turn, cancellationToken);
        await using var held = turn;
        var (lost, all) = await LostAsync(isFilled, cancellationToken);
        var notes = await FoldAsync(outstanding => outstanding.Notes(run), cancellationToken);
        var sent = await PublishAsync(notes, [.. lost.Where(prompt => run is null || prompt.Run == run)], cancellationToken);
        if (sent > 0)
            logger.Republished(sent);
        return all;
    }

    private async Task<(IReadOnlyCollection<UnsettledPrompt> Lost, bool All)> LostAsync(Func<string, long, int, bool> isFilled, CancellationToken cancellationToken)
    {
        if ((await FoldAsync(outstanding => outstanding.Prompts(), cancellationToken)).Count == 0)
            return ([], true);
        await using var queues = await BrokerQueues.OpenAsync(options.RabbitMq!, cancellationToken);
        var failed = await FailedAsync(queues, cancellationToken);
        var (lost, all) = await MissingAsync(queues, failed, isFilled, cancellationToken);
        for (var look = 1; look < Looks && lost.Count > 0; look++)
        {
            await Task.Delay(BetweenLooks, cancellationToken);
            var (still, allOfThem) = await MissingAsync(queues, failed, isFilled, cancellationToken);
            lost.IntersectWith(still);
            all &= allOfThem;
        }

        return (lost, all);
    }

    // The queues are counted before the log is read: what is done between the two is outstanding no longer, while what came in the other order would be missing.
    private async Task<(HashSet<UnsettledPrompt> Missing, bool All)> MissingAsync(
        BrokerQueues queues, HashSet<UnsettledPrompt> failed, Func<string, long, int, bool> isFilled, CancellationToken cancellationToken)
    {
        var waiting = new List<long>();
        foreach (var (queue, _) in WorkQueues.All)
            waiting.Add((await queues.FindAsync(queue, cancellationToken))?.Ready ?? 0);
        var inHand = await WorkInHand.AllAsync(database, cancellationToken);
        var unsettled = (await FoldAsync(outstanding => outstanding.Prompts(), cancellationToken)).Where(prompt => !failed.Contains(prompt))
            .ToLookup(prompt => inHand.Count > 0 && inHand.Contains(WorkInHand.KeyOf(prompt.Run, prompt.Iteration, prompt.Ordinal)));
        var (missing, all) = (new HashSet<UnsettledPrompt>(), !unsettled[true].Any());
        foreach (var ((queue, fact), ready) in WorkQueues.All.Zip(waiting))
        {
            var expected = unsettled[false].Where(prompt => prompt.Fact == fact).ToList();
            if (!isFilled(queue, ready, expected.Count))
            {
                missing.UnionWith(expected);
            }
            else if (expected.Count > 0)
            {
                logger.QueueFilled(queue, ready, expected.Count);
                all = false;
            }
        }

        return (missing, all);
    }

    private static async Task<HashSet<UnsettledPrompt>> FailedAsync(BrokerQueues queues, CancellationToken cancellationToken)
    {
        var failed = new HashSet<UnsettledPrompt>();
        foreach (var (queue, fact) in WorkQueues.All)
        {
            if (await queues.FindAsync(queue + WorkQueues.ErrorSuffix, cancellationToken) is { Ready: > 0 } errors)
                failed.UnionWith((await queues.PromptsInAsync(errors.Name, FailedLookedAt, cancellationToken)).Select(prompt => new UnsettledPrompt(prompt.Run, prompt.Iteration, prompt.Ordinal, fact)));
        }

        return failed;
    }

    private async Task<int> PublishAsync(IReadOnlyCollection<Recorded> notes, IReadOnlyCollection<UnsettledPrompt> prompts, CancellationToken cancellationToken)
    {
        var sent = 0;
        foreach (var note in notes)
            await PublishAsync(note);
        foreach (var stage in prompts.GroupBy(prompt => (prompt.Run, prompt.Iteration, prompt.Fact)))
        {
            foreach (var some in stage.Chunk(PromptsAtOnce))
            {
                // What went on meanwhile was not lost.
                var last = await log.ReadLastStagesAsync(stage.Key.Run, stage.Key.Iteration, [.. some.Select(prompt => prompt.Ordinal)], cancellationToken);
                foreach (var recorded in last.Where(recorded => recorded.Fact.GetType() == stage.Key.Fact))
                    await PublishAsync(recorded);
            }
        }

        return sent;

        async Task PublishAsync(Recorded recorded)
        {
            using var span = Traces.Resume(recorded);
            try
            {
                await bus.PublishFactAsync(recorded.Fact, cancellationToken);
                sent++;
            }
            catch (MessageTooLargeException e)
            {
                // The others can go on.
                logger.WorkFailed($"{recorded.Stream}, {recorded.Version}", e.Message, e);
            }
        }
    }

    // From where it was left: a log of a million events is read once in a worker's life.
    private async Task<T> FoldAsync<T>(Func<Outstanding, T> read, CancellationToken cancellationToken)
    {
        await _folding.WaitAsync(cancellationToken);
        try
        {
            await foreach (var recorded in log.ReadAllAsync(_outstanding.Position, options.OnlyRun, cancellationToken))
                _outstanding.Apply(recorded);
            return read(_outstanding);
        }
        finally
        {
            _folding.Release();
        }
    }
}
