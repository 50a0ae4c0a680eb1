using System.Diagnostics.Metrics;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>
/// What the collector calls an instrument in Prometheus (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus):
/// dots become underscores, the unit is spelt out behind the name unless it is an annotation in braces, and counters end in _total.
/// </summary>
internal static class PrometheusName
{
    private static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal) { ["s"] = "seconds", ["ms"] = "milliseconds", ["By"] = "bytes" };

    public static IEnumerable<string> Of(Instrument instrument)
    {
        var kind = instrument.GetType().Name;
        return Of(instrument.Name, instrument.Unit, kind.StartsWith("Histogram", StringComparison.Ordinal), kind.StartsWith("Counter", StringComparison.Ordinal) || kind.StartsWith("ObservableCounter", StringComparison.Ordinal));
    }

    public static IEnumerable<string> Of(string name, string? unit, bool histogram, bool counter)
    {
        var full = Label(name);
        var suffix = unit is null || unit.StartsWith('{') ? null : unit == "1" ? (histogram || counter ? null : "ratio") : Units.GetValueOrDefault(unit, unit);
        if (suffix is not null && !full.EndsWith($"_{suffix}", StringComparison.Ordinal))
            full = $"{full}_{suffix}";
        if (histogram)
            return [$"{full}_bucket", $"{full}_sum", $"{full}_count"];
        return [counter ? $"{full}_total" : full];
    }

    public static string Label(string tag) => tag.Replace('.', '_');
}
