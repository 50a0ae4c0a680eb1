using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;

namespace SelfRewarding.PairBuilder;

/// <summary>
/// Follows the log and, when the last planned prompt of an iteration has settled, freezes its dataset: once, at a fixed version, with the
/// hash of its canonical form. An iteration without a single pair stops the run and says why.
/// </summary>
public sealed class DatasetFreezer(RunLog runLog, FactLog log, IBus bus, HostFailure failure, WorkerOptions options, ILogger<DatasetFreezer> logger) : BackgroundService
{
    private const string Reader = "dataset-freezer";

    private readonly Dictionary<string, RunSettings> _runs = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Run, int Iteration), IterationTally> _open = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Transient.TryAsync(nameof(DatasetFreezer), logger, _ => FreezeAsync(stoppingToken), Transient.Passes, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            failure.Report("Freezing datasets", e, fatal: true);
        }
    }

    // From the log's start, whatever an attempt before has seen.
    private async Task<bool> FreezeAsync(CancellationToken stoppingToken)
    {
        _runs.Clear();
        _open.Clear();

        // What was frozen before this start is known only at the log's end: fold first, act then.
        var position = 0L;
        await foreach (var recorded in runLog.ReadAllAsync(0, options.OnlyRun, stoppingToken))
        {
            Apply(recorded.Fact);
            position = recorded.Position;
        }

        LogTelemetry.Reached(Reader, position);
        foreach (var (run, iteration) in _open.Keys.ToList())
            await FreezeIfSettledAsync(run, iteration, settledBy: null, stoppingToken);
        await foreach (var recorded in runLog.FollowAsync(position, options.OnlyRun, stoppingToken))
        {
            Apply(recorded.Fact);
            if (recorded.Fact is PreferencePairBuilt or PromptDiscarded)
                await FreezeIfSettledAsync(recorded, stoppingToken);
            LogTelemetry.Reached(Reader, recorded.Position);
        }

        return true;
    }

    private void Apply(object fact)
    {
        switch (fact)
        {
            case RunStarted started when options.OnlyRun is null || options.OnlyRun == started.Run:
                _runs[started.Run] = started.Settings;
                break;
            case DatasetFrozen frozen:
                _open.Remove((frozen.Run, frozen.Iteration));
                break;
            case RunStopped stopped:
                _open.Remove((stopped.Run, stopped.Iteration));
                _runs.Remove(stopped.Run);
                break;
            case CandidatesSampled f:
                TallyOf(f.Run, f.Iteration).Apply(f);
                break;
            case CandidatesJudged f:
                TallyOf(f.Run, f.Iteration).Apply(f);
                break;
            case PreferencePairBuilt f:
                TallyOf(f.Run, f.Iteration).Apply(f);
                break;
            case PromptDiscarded f:
                TallyOf(f.Run, f.Iteration).Apply(f);
                break;
        }
    }

    private IterationTally TallyOf(string run, int iteration) =>
        _open.TryGetValue((run, iteration), out var tally) ? tally : _open[(run, iteration)] = new IterationTally();

    private Task FreezeIfSettledAsync(Recorded outcome, CancellationToken cancellationToken) => outcome.Fact switch
    {
        PreferencePairBuilt f => FreezeIfSettledAsync(f.Run, f.Iteration, outcome, cancellationToken),
        PromptDiscarded f => FreezeIfSettledAsync(f.Run, f.Iteration, outcome, cancellationToken),
        _ => Task.CompletedTask,
    };

    private async Task FreezeIfSettledAsync(string run, int iteration, Recorded? settledBy, CancellationToken cancellationToken)
    {
        if (!_open.TryGetValue((run, iteration), out var tally) || !_runs.TryGetValue(run, out var settings) || tally.Settled < settings.Prompts.PerIteration)
            return;
        using var span = PairTelemetry.BeginFreezing(run, iteration, settledBy);
        object fact;
        if (!tally.HasPairs)
        {
            fact = await runLog.AppendStoppedAsync(new RunStopped(run, iteration, WhyNoPair(iteration, tally)), cancellationToken);
        }
        else
        {
            var model = ModelNames.OfIteration(iteration + 1);
            var frozen = new DatasetFrozen(run, iteration, model, tally.Pairs.Count, await HashAsync(run, iteration, cancellationToken), tally.Statistics());
            fact = await log.AppendOnceAsync(StreamNames.Training(run, model), 1, frozen, cancellationToken);
        }

        await bus.PublishFactAsync(fact, cancellationToken);
    }

    // The texts are read again instead of being kept while the iteration goes on: those of a million pairs would fill the memory.
    private async Task<string> HashAsync(string run, int iteration, CancellationToken cancellationToken)
    {
        using var dataset = new CanonicalDatasetHash();
        await foreach (var pair in runLog.ReadPairsAsync(run, iteration, cancellationToken))
            dataset.Add(pair);
        return dataset.Sha256();
    }

    private static string WhyNoPair(int iteration, IterationTally tally)
    {
        var (unparsable, all) = tally.Judgements;
        if (all == 0)
            return $"iteration {iteration}: no usable pair from {tally.Settled} prompts (nothing to judge; discarded: {Reasons(tally)})";
        var judgements = unparsable == all ? $"all {all} judgements unparsable" : $"{unparsable} of {all} judgements unparsable";
        return $"iteration {iteration}: no usable pair from {tally.Settled} prompts ({judgements}{(unparsable == all ? "" : $"; discarded: {Reasons(tally)}")})";
    }

    private static string Reasons(IterationTally tally) => string.Join(", ", tally.Discarded.Select(pair => $"{pair.Key} {pair.Value}"));
}
