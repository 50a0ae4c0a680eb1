using System.Diagnostics.Metrics;

namespace SelfRewarding.EventStore;

/// <summary>
/// How far the log reaches, as a metric. What readers stand at is theirs to tell; the difference is their lag. An event is no unit of UCUM, hence the braces
/// (https://opentelemetry.io/docs/specs/semconv/general/metrics/#instrument-units).
/// </summary>
public static class StoreTelemetry
{
    /// <summary>Name of the meter.</summary>
    public const string Name = "SelfRewarding.EventStore";

    private static readonly Meter Meter = new(Name);

    private static long _highest;

    /// <summary>The highest position that this process has appended or seen.</summary>
    internal static ObservableGauge<long> Position { get; } = Meter.CreateObservableGauge(
        "self_rewarding.log.position", () => Interlocked.Read(ref _highest) is > 0 and var highest ? [new Measurement<long>(highest)] : Array.Empty<Measurement<long>>(),
        "{event}", "Highest position of the log that this process has appended or seen");

    /// <summary>Takes note of a position.</summary>
    internal static void Saw(long position)
    {
        for (var known = Interlocked.Read(ref _highest); position > known;)
            known = Interlocked.CompareExchange(ref _highest, position, known) is var seen && seen == known ? position : seen;
    }
}
