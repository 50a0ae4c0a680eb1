using System.Diagnostics.Metrics;

namespace SelfRewarding.Hosting;

/// <summary>Messages that could not be handled, as a metric; each is in its queue's error queue with its reason.</summary>
public static class FaultTelemetry
{
    private static readonly Meter Meter = new("SelfRewarding.Hosting");
    private static readonly Counter<long> Failed = Meter.CreateCounter<long>("self_rewarding.message.failed", "{message}", "Messages that could not be handled, by queue");

    /// <summary>Counts a message that failed for good.</summary>
    public static void Count(string queue) => Failed.Add(1, KeyValuePair.Create("queue", (object?)queue));
}
