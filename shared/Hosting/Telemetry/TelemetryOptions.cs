using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace SelfRewarding.Hosting;

/// <summary>
/// The settings of OpenTelemetry, under its own names (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). The SDK reads them itself:
/// exporter, protocol, headers, sampler, resource, batches. It passes over what it cannot read without a word, so that is looked at here first.
/// </summary>
public sealed record TelemetryOptions
{
    /// <summary>The environment variable that says where traces, metrics and logs go.</summary>
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const string Sampler = "OTEL_TRACES_SAMPLER";
    private const string SamplerArgument = "OTEL_TRACES_SAMPLER_ARG";
    private const string Capture = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    private static readonly string[] _protocols = ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"];
    private static readonly string[] _samplers = ["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"];

    /// <summary>Nothing is measured, nothing is sent.</summary>
    public static TelemetryOptions Off { get; } = new();

    /// <summary>Whether an endpoint is set: without one nothing listens.</summary>
    public bool IsOn { get; private init; }

    /// <summary>Whether prompts and answers may go into spans; by default they do not.</summary>
    public bool CaptureContent { get; private init; }

    /// <summary>What the SDK is given to read: every setting whose name begins with <c>OTEL_</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>> Settings { get; private init; } = [];

    /// <summary>Reads the settings of a host.</summary>
    /// <exception cref="WorkerOptionsException">Something is impossible.</exception>
    public static TelemetryOptions From(IConfiguration configuration)
    {
        var problems = new List<string>();
        var options = From(configuration, problems);
        return problems.Count == 0 ? options : throw new WorkerOptionsException(string.Join(Environment.NewLine, problems));
    }

    /// <summary>Reads the settings of a host, and adds a sentence for each that is impossible.</summary>
    public static TelemetryOptions From(IConfiguration configuration, ICollection<string> problems)
    {
        // An empty variable is one that is not set.
        var settings = configuration.AsEnumerable()
            .Where(setting => setting.Key.StartsWith("OTEL_", StringComparison.Ordinal) && !string.IsNullOrWhiteSpace(setting.Value)).ToDictionary(StringComparer.Ordinal);
        if (!settings.TryGetValue(EndpointVariable, out var endpoint))
            return Off;
        // An endpoint may bear a password, so it is not repeated.
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            problems.Add($"{EndpointVariable} is no address, expected http://collector:4317, or an empty value to send nothing.");
        foreach (var protocol in _protocols)
        {
            if (settings.TryGetValue(protocol, out var value) && value is not ("grpc" or "http/protobuf"))
                problems.Add($"{protocol} is '{value}', expected grpc (the default, port 4317) or http/protobuf (port 4318).");
        }

        if (settings.TryGetValue(Sampler, out var sampler) && !_samplers.Contains(sampler, StringComparer.OrdinalIgnoreCase))
            problems.Add($"{Sampler} is '{sampler}', expected one of {string.Join(", ", _samplers)}.");
        if (settings.TryGetValue(SamplerArgument, out var argument)
            && !(double.TryParse(argument, NumberStyles.Float, CultureInfo.InvariantCulture, out var ratio) && ratio is >= 0 and <= 1))
            problems.Add($"{SamplerArgument} is '{argument}', expected the share of traces to keep, from 0 to 1.");
        return new TelemetryOptions { IsOn = true, CaptureContent = CapturesContent(settings.GetValueOrDefault(Capture), problems), Settings = [.. settings] };
    }

    private static bool CapturesContent(string? value, ICollection<string> problems)
    {
        switch (value?.ToUpperInvariant())
        {
            case null or "FALSE" or "NO_CONTENT":
                return false;
            case "TRUE" or "SPAN_ONLY":
                return true;
            default:
                problems.Add($"{Capture} is '{value}', expected true or span_only (prompts and answers go into spans), or false or no_content (they do not).");
                return false;
        }
    }
}
