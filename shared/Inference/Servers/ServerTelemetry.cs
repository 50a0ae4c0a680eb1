using System.Diagnostics;
using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>
/// The span <c>chat {model}</c> of one text that a server writes, from the first try to the last, and its metrics
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/openai/, .../gen-ai-metrics/#metric-gen_aiclientoperationduration). The server is another process, so the span is a
/// client's. Where nobody listens no span is made.
/// </summary>
internal sealed class ServerTelemetry : IDisposable
{
    /// <summary>The provider as the convention has it for whatever speaks this protocol.</summary>
    public const string Provider = "openai";

    private const string Name = "SelfRewarding.Inference";

    private static readonly ActivitySource _source = new(Name);
    private static readonly Histogram<double> _duration = new Meter(Name).CreateHistogram(
        "gen_ai.client.operation.duration", "s", "From a request's first try to its answer, by server and error.", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] });

    private readonly Activity? _span;
    private readonly ServerSettings _server;
    private readonly bool _captureContent;
    private readonly long _begun = Stopwatch.GetTimestamp();
    private int _retries;

    /// <param name="captureContent">Whether the span is to hold prompt and answer.</param>
    public ServerTelemetry(ServerSettings server, string prompt, ulong key, SamplingSettings sampling, bool captureContent)
    {
        (_server, _captureContent) = (server, captureContent);
        _span = _source.HasListeners() ? _source.StartActivity($"chat {server.Model}", ActivityKind.Client) : null;
        if (_span is null)
            return;
        var uri = new Uri(server.Url!);
        foreach (var (name, value) in Tags())
            _span.SetTag(name, value);
        _span.SetTag("server.address", uri.Host).SetTag("server.port", uri.Port)
            .SetTag("gen_ai.request.max_tokens", sampling.MaxNewTokens).SetTag("gen_ai.request.temperature", sampling.Temperature).SetTag("gen_ai.request.top_p", sampling.TopP);
        if (sampling.TopK > 0)
            _span.SetTag("gen_ai.request.top_k", (double)sampling.TopK);
        if (server.SendSeed)
            _span.SetTag("gen_ai.request.seed", ChatRequest.Seed(key));
        if (captureContent)
            _span.SetTag("gen_ai.input.messages", GenAiMessages.Json(GenAiMessages.Message("user", prompt)));
    }

    /// <summary>Another try follows.</summary>
    public void Retried(string kind)
    {
        _retries++;
        _span?.AddEvent(new ActivityEvent("retry", tags: new ActivityTagsCollection { ["error.type"] = kind }));
    }

    /// <summary>The server answered.</summary>
    public void Succeeded(GeneratedText text, string? id)
    {
        var served = text.Server!;
        if (_span is not null)
        {
            _span.SetTag("gen_ai.response.model", served.Models[0]).SetTag("gen_ai.response.finish_reasons", new[] { FinishName(text.Finish) });
            _span.SetTag("gen_ai.response.id", id).SetTag("gen_ai.usage.input_tokens", served.InputTokens).SetTag("gen_ai.usage.output_tokens", served.OutputTokens);
            if (_retries > 0)
                _span.SetTag("http.request.resend_count", _retries);
            if (_captureContent)
                _span.SetTag("gen_ai.output.messages", GenAiMessages.Json(GenAiMessages.Message("assistant", text.Text, FinishName(text.Finish))));
        }

        _duration.Record(Stopwatch.GetElapsedTime(_begun).TotalSeconds, Tags());
        ModelTelemetry.CountTokens(Tags(), served.InputTokens, served.OutputTokens);
    }

    /// <summary>The last try failed: only the duration is measured, under the error's kind.</summary>
    public void Failed(string kind, string message)
    {
        _span?.SetTag("error.type", kind).SetStatus(ActivityStatusCode.Error, message);
        if (_retries > 0)
            _span?.SetTag("http.request.resend_count", _retries);
        _duration.Record(Stopwatch.GetElapsedTime(_begun).TotalSeconds, [.. Tags(), new("error.type", kind)]);
    }

    public void Dispose() => _span?.Dispose();

    private TagList Tags() => new() { { "gen_ai.operation.name", "chat" }, { "gen_ai.provider.name", Provider }, { "gen_ai.request.model", _server.Model } };

    private static string FinishName(Finish finish) => finish switch { Finish.Stop => "stop", Finish.Length => "length", _ => "content_filter" };
}
