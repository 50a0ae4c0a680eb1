using System.Diagnostics.Metrics;

namespace SelfRewarding.Hosting;

/// <summary>
/// Where those who follow the log have come to. Behind <c>self_rewarding.log.position</c> they lag (https://opentelemetry.io/docs/specs/semconv/general/metrics/).
/// </summary>
public static class LogTelemetry
{
    private static readonly Meter Meter = new(Traces.Name);

    private static readonly Gauge<long> Position = Meter.CreateGauge<long>("self_rewarding.log.reader.position", "{event}", "Position of the log that a reader has come to");

    /// <summary>Records that a reader has dealt with everything up to a position.</summary>
    /// <param name="reader">The reader's name, such as <c>read-models</c>.</param>
    /// <param name="position">The position.</param>
    public static void Reached(string reader, long position) => Position.Record(position, KeyValuePair.Create("reader", (object?)reader));
}
