using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;

namespace SelfRewarding.Judge;

/// <summary>What the judge says, as metrics (https://opentelemetry.io/docs/specs/semconv/general/metrics/); the same figures are in the log.</summary>
public static class JudgeTelemetry
{
    private static readonly Meter Meter = new("SelfRewarding.Judge");
    private static readonly Counter<long> Judgements = Meter.CreateCounter<long>("self_rewarding.judgement.made", "{judgement}", "Judgements, by outcome: scored or unparsable");
    private static readonly Counter<long> Comparisons = Meter.CreateCounter<long>("self_rewarding.meta_judgement.made", "{comparison}", "Comparisons of two judgements, by outcome: first, second or unparsable");
    private static readonly Histogram<double> Score = Meter.CreateHistogram(
        "self_rewarding.judgement.score", "{point}", "Scores that were parsed", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0, 1, 2, 3, 4, 5] });

    /// <summary>Counts the judgements of a prompt that were just recorded.</summary>
    public static void Count(object fact)
    {
        if ((!Judgements.Enabled && !Score.Enabled && !Comparisons.Enabled) || fact is not CandidatesJudged judged)
            return;
        var model = KeyValuePair.Create("model", (object?)judged.Judge.Name);
        foreach (var judgement in judged.Judgements)
        {
            Judgements.Add(1, model, KeyValuePair.Create("outcome", (object?)(judgement.Score is null ? "unparsable" : "scored")));
            if (judgement.Score is { } score)
                Score.Record(score, model);
        }

        foreach (var comparison in judged.Meta ?? [])
            Comparisons.Add(1, model, KeyValuePair.Create("outcome", (object?)comparison.Preferred()));
    }
}
