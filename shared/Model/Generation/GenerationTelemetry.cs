using System.Diagnostics;

namespace SelfRewarding.Model;

/// <summary>The span <c>chat {model}</c> of one request, and its metrics.</summary>
internal sealed class GenerationTelemetry : IDisposable
{
    private readonly Activity? _activity;
    private readonly int _promptTokens;
    private readonly TagList _tags;

    public GenerationTelemetry(string model, GenerationRequest request)
    {
        _promptTokens = request.PromptIds.Length;
        _tags = new TagList { { "gen_ai.operation.name", "chat" }, { "gen_ai.provider.name", "self_rewarding" }, { "gen_ai.request.model", model } };
        _activity = ModelTelemetry.Source.StartActivity($"chat {model}", ActivityKind.Internal);
        if (_activity is null) return;
        foreach (var (key, value) in _tags) _activity.SetTag(key, value);
        var sampling = request.Sampling;
        _activity.SetTag("gen_ai.request.choice.count", request.SampleKeys.Count);
        _activity.SetTag("gen_ai.request.max_tokens", sampling.MaxNewTokens);
        _activity.SetTag("gen_ai.request.temperature", sampling.Temperature);
        _activity.SetTag("gen_ai.request.top_p", sampling.TopP);
        if (sampling.TopK > 0) _activity.SetTag("gen_ai.request.top_k", sampling.TopK);
    }

    public void Succeeded(IReadOnlyList<Completion> completions)
    {
        // The samples share the prompt's prefill: it is read once.
        var written = completions.Sum(completion => completion.LogProbs.Length);
        if (_activity is not null)
        {
            _activity.SetTag("gen_ai.usage.input_tokens", _promptTokens);
            _activity.SetTag("gen_ai.usage.output_tokens", written);
            _activity.SetTag("gen_ai.response.finish_reasons", completions.Select(completion => completion.FinishReason == FinishReason.Stop ? "stop" : "length").ToArray());
        }

        ModelTelemetry.RequestDuration.Record(completions.Max(completion => completion.Duration).TotalSeconds, _tags);
        ModelTelemetry.TimeToFirstToken.Record(completions.Min(completion => completion.TimeToFirstToken).TotalSeconds, _tags);
        foreach (var completion in completions.Where(completion => completion.LogProbs.Length > 1))
            ModelTelemetry.TimePerOutputToken.Record((completion.Duration - completion.TimeToFirstToken).TotalSeconds / (completion.LogProbs.Length - 1), _tags);
        ModelTelemetry.TokenUsage.Record(_promptTokens, [.. _tags, new("gen_ai.token.type", "input")]);
        ModelTelemetry.TokenUsage.Record(written, [.. _tags, new("gen_ai.token.type", "output")]);
    }

    public void Failed(Exception exception)
    {
        var type = exception.GetType().FullName;
        _activity?.SetTag("error.type", type);
        _activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
    }

    public void Dispose() => _activity?.Dispose();
}
