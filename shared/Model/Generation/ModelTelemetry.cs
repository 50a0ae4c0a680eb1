using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SelfRewarding.Model;

/// <summary>
/// Traces and metrics of generation, under the names of OpenTelemetry's GenAI conventions
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/, .../gen-ai-metrics/). Prompts and answers are among a span's tags
/// only where that is asked for.
/// </summary>
public static class ModelTelemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "SelfRewarding.Model";

    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);

    internal static readonly Histogram<double> RequestDuration = Seconds(
        "gen_ai.server.request.duration", "From a request's arrival to its last token.", [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]);

    internal static readonly Histogram<double> TimeToFirstToken = Seconds(
        "gen_ai.server.time_to_first_token", "From a request's arrival to its first token.", [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]);

    internal static readonly Histogram<double> TimePerOutputToken = Seconds(
        "gen_ai.server.time_per_output_token", "Time per token after the first.", [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5]);

    internal static readonly Histogram<long> TokenUsage = Meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Tokens read and written by a request.", null,
        new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864] });

    internal static readonly UpDownCounter<long> SlotUsage = Meter.CreateUpDownCounter<long>("self_rewarding.generation.slot.usage", "{slot}", "Slots that hold a sample.");

    internal static readonly UpDownCounter<long> SlotLimit = Meter.CreateUpDownCounter<long>("self_rewarding.generation.slot.limit", "{slot}", "Slots that there are.");

    internal static readonly UpDownCounter<long> PendingRequests = Meter.CreateUpDownCounter<long>("self_rewarding.generation.pending_requests", "{request}", "Requests that wait for slots.");

    /// <summary>Whether anybody wants to know how a request went.</summary>
    internal static bool IsMeasured => RequestDuration.Enabled || TimeToFirstToken.Enabled || TimePerOutputToken.Enabled || TokenUsage.Enabled;

    /// <summary>Counts what a request read and wrote, whoever answered it; null where that is not known.</summary>
    public static void CountTokens(in TagList tags, long? read, long? written)
    {
        if (!TokenUsage.Enabled) return;
        if (read is { } input) TokenUsage.Record(input, [.. tags, new("gen_ai.token.type", "input")]);
        if (written is { } output) TokenUsage.Record(output, [.. tags, new("gen_ai.token.type", "output")]);
    }

    private static Histogram<double> Seconds(string name, string description, double[] bounds) =>
        Meter.CreateHistogram(name, "s", description, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
}
