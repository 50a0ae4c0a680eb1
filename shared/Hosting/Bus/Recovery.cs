using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// Makes the broker disposable: what the log says is outstanding goes onto the bus again at every start, whenever the broker was away (it may have come back empty), and
/// when a run stands still though it has work. What is certainly still there is left alone: prompts that somebody works on (<see cref="WorkInHand"/>), prompts that wait
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

    // Training records every step and generation every prompt: a run that stands still for so long waits for something, or compares checkpoints or measures a model, which takes longer and bears to be told of twice.
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(250);

    private readonly Outstanding _outstanding = new();
    private readonly SemaphoreSlim _folding = new(1);
    private readonly Standstill _standstill = new();
    private readonly FilledQueues _filled = new();
    private long? _lookedTo;

    /// <summary>Publishes what is outstanding of a run, but for what is certainly on the broker or in somebody's hand.</summary>
    public async Task RepublishAsync(string run, CancellationToken cancellationToken)
    {
        if (options.RabbitMq is null)
        {
            var (notes, prompts) = await FoldAsync(outstanding => (outstanding.Notes(IsAsked), outstanding.Prompts(IsAsked)), cancellationToken);
            await PublishAsync(notes, prompts, cancellationToken);
            return;
        }

        // What waits in a queue may be doubles: here only what is not missing by number is left alone.
        await RepublishLostAsync(IsAsked, fill => fill.Ready >= fill.Missing, cancellationToken);

        bool IsAsked(string name) => name == run;
    }

    /// <summary>Looks which runs have gone on since it last looked, and sends what may be lost of those that have not.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        var (streams, end) = await LogEnd.GoneOnAsync(database, _lookedTo ?? await LogEnd.OfAsync(database, cancellationToken), cancellationToken);
        _lookedTo = end;
        if (_standstill.Look(streams.Select(StreamNames.RunOf).OfType<string>().ToHashSet(StringComparer.Ordinal)))
            _standstill.Sent(await RepublishLostAsync(_standstill.IsDue, _filled.IsFilled, cancellationToken));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
                failures = 0;
                if (await reconnects.WaitAsync(Look, stoppingToken))
                {
                    _standstill.Reconnected();
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
    // Returns the runs of which something was left alone because it is in work, or because messages wait that may or may not be those.
    internal async Task<IReadOnlySet<string>> RepublishLostAsync(Func<string, bool> isDue, Func<QueueFill, bool> isFilled, CancellationToken cancellationToken)
    {
        StreamLock? turn;
        while ((turn = await StreamLock.TryAcquireAsync(database, "recovery", cancellationToken)) is null)
            await Task.Delay(Turn, cancellationToken);
        await using var held = turn;
        var (lost, leftAlone) = await LostAsync(isDue, isFilled, cancellationToken);
        var notes = await FoldAsync(outstanding => outstanding.Notes(isDue), cancellationToken);
        var sent = await PublishAsync(notes, lost, cancellationToken);
        if (sent > 0)
            logger.Republished(sent);
        return leftAlone;
    }

    private async Task<(IReadOnlyCollection<UnsettledPrompt> Lost, IReadOnlySet<string> LeftAlone)> LostAsync(
        Func<string, bool> isDue, Func<QueueFill, bool> isFilled, CancellationToken cancellationToken)
    {
        if ((await FoldAsync(outstanding => outstanding.Prompts(isDue), cancellationToken)).Count == 0)
            return ([], new HashSet<string>());
        await using var queues = await BrokerQueues.OpenAsync(options.RabbitMq!, cancellationToken);
        var failed = await FailedAsync(queues, cancellationToken);
        var (lost, leftAlone) = await MissingAsync(queues, failed, isDue, isFilled, cancellationToken);
        for (var look = 1; look < Looks && lost.Count > 0; look++)
        {
            await Task.Delay(BetweenLooks, cancellationToken);
            var (still, leftNow) = await MissingAsync(queues, failed, isDue, isFilled, cancellationToken);
            lost.IntersectWith(still);
            leftAlone.UnionWith(leftNow);
        }

        return (lost, leftAlone);
    }

    // The queues are counted before the log is read and after it. What is taken or done in between is in the first count only, what comes in between in the second only, and
    // of the smaller one neither is left over as if it were what a run that stands still has lost.
    private async Task<(HashSet<UnsettledPrompt> Missing, HashSet<string> LeftAlone)> MissingAsync(
        BrokerQueues queues, HashSet<UnsettledPrompt> failed, Func<string, bool> isDue, Func<QueueFill, bool> isFilled, CancellationToken cancellationToken)
    {
        var before = await CountAsync(queues, cancellationToken);
        var inHand = await WorkInHand.AllAsync(database, cancellationToken);
        var unsettled = (await FoldAsync(outstanding => outstanding.Prompts(), cancellationToken)).Where(prompt => !failed.Contains(prompt))
            .ToLookup(prompt => inHand.Count > 0 && inHand.Contains(WorkInHand.KeyOf(prompt.Run, prompt.Iteration, prompt.Ordinal)));
        var waiting = before.Zip(await CountAsync(queues, cancellationToken), Math.Min);
        var (missing, leftAlone) = (new HashSet<UnsettledPrompt>(), unsettled[true].Select(prompt => prompt.Run).Where(isDue).ToHashSet(StringComparer.Ordinal));
        foreach (var ((queue, fact), ready) in WorkQueues.All.Zip(waiting))
        {
            var expected = unsettled[false].Where(prompt => prompt.Fact == fact).ToLookup(prompt => isDue(prompt.Run));
            var (due, others) = (expected[true].ToList(), expected[false].Count());
            // Whose the messages are that wait cannot be asked: the runs that go on are taken to have all of theirs among them.
            var theirs = Math.Max(0, ready - others);
            if (!isFilled(new QueueFill(queue, theirs, due.Count, IsExact: others == 0)))
            {
                missing.UnionWith(due);
            }
            else if (due.Count > 0)
            {
                logger.QueueFilled(queue, theirs, due.Count);
                leftAlone.UnionWith(due.Select(prompt => prompt.Run));
            }
        }

        return (missing, leftAlone);
    }

    private static async Task<IReadOnlyList<long>> CountAsync(BrokerQueues queues, CancellationToken cancellationToken)
    {
        var waiting = new List<long>();
        foreach (var (queue, _) in WorkQueues.All)
            waiting.Add((await queues.FindAsync(queue, cancellationToken))?.Ready ?? 0);
        return waiting;
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
