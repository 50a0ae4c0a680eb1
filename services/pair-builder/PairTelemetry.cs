using System.Diagnostics;
using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.PairBuilder;

/// <summary>Pairs as metrics, and the freezing of a dataset as a span (https://opentelemetry.io/docs/specs/semconv/general/metrics/); the same figures are in the log.</summary>
public static class PairTelemetry
{
    private const string Name = "SelfRewarding.PairBuilder";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Pairs = Meter.CreateCounter<long>("self_rewarding.pair.built", "{pair}", "Preference pairs");
    private static readonly Counter<long> JudgingPairs = Meter.CreateCounter<long>("self_rewarding.judging_pair.built", "{pair}", "Preference pairs of judgements");
    private static readonly Histogram<double> Margin = Meter.CreateHistogram(
        "self_rewarding.pair.margin", "{point}", "By how much the chosen answer's mean score is above the rejected one's", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.25, 0.5, 1, 1.5, 2, 3, 4, 5] });

    /// <summary>The freezing of an iteration's dataset, linked to the prompt that settled last; null where nobody listens.</summary>
    internal static Activity? BeginFreezing(string run, int iteration, Recorded? settledBy) =>
        Traces.Begin(Source, "freeze dataset", Traces.Of(settledBy?.TraceParent))?.SetTag("self_rewarding.run", run).SetTag("self_rewarding.iteration", iteration);

    /// <summary>Counts a pair that was just recorded; discards are counted where any stage is recorded.</summary>
    public static void Count(object outcome)
    {
        if (JudgingOutcome.Of(outcome)?.Pair is not null)
            JudgingPairs.Add(1);
        if (outcome is not PreferencePairBuilt pair)
            return;
        Pairs.Add(1);
        Margin.Record(pair.Chosen.Score - pair.Rejected.Score);
    }
}
