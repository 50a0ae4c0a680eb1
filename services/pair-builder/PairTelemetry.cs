using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;

namespace SelfRewarding.PairBuilder;

/// <summary>How prompts settle, as metrics; the same figures are in the log.</summary>
public static class PairTelemetry
{
    private static readonly Meter Meter = new("SelfRewarding.PairBuilder");
    private static readonly Counter<long> Pairs = Meter.CreateCounter<long>("self_rewarding.pair.built", "{pair}", "Preference pairs");
    private static readonly Counter<long> Discarded = Meter.CreateCounter<long>("self_rewarding.prompt.discarded", "{prompt}", "Prompts that made no pair, by reason");

    /// <summary>Counts an outcome that was just appended.</summary>
    public static void Count(object outcome)
    {
        if (outcome is PromptDiscarded discarded)
            Discarded.Add(1, KeyValuePair.Create("reason", (object?)discarded.Reason.ToString()));
        else if (outcome is PreferencePairBuilt)
            Pairs.Add(1);
    }
}
