using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;

namespace SelfRewarding.Sampler;

/// <summary>What is sampled, as a metric (https://opentelemetry.io/docs/specs/semconv/general/metrics/); the same figures are in the log.</summary>
public static class SamplerTelemetry
{
    private static readonly Meter Meter = new("SelfRewarding.Sampler");
    private static readonly Counter<long> Candidates = Meter.CreateCounter<long>("self_rewarding.candidate.sampled", "{candidate}", "Answers, by how they ended: stop, length or content_filter");

    /// <summary>Counts the answers to a prompt that were just recorded.</summary>
    public static void Count(object fact)
    {
        if (!Candidates.Enabled || fact is not CandidatesSampled sampled)
            return;
        var model = KeyValuePair.Create("model", (object?)sampled.Model.Name);
        foreach (var candidate in sampled.Candidates)
            Candidates.Add(1, model, KeyValuePair.Create("finish", (object?)(candidate.Finish switch { Finish.Stop => "stop", Finish.Length => "length", _ => "content_filter" })));
    }
}
