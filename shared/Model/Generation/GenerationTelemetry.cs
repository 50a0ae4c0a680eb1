using System.Diagnostics;

namespace SelfRewarding.Model;

/// <summary>
/// The span <c>chat {model}</c> of one request, and its metrics. The model runs in this process, so the span is internal
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/#inference). Where nobody listens it allocates nothing.
/// </summary>
internal readonly struct GenerationTelemetry : IDisposable
{
    private const string Provider = "self_rewarding";

    private readonly Activity? _activity;
    private readonly string _model;
    private readonly GenerationRequest _request;
    private readonly ITokenizer? _content;
    private readonly TimeProvider _time;
    private readonly long _begun;

    /// <param name="model">What the model is called.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="content">Reads prompt and answers, where the span is to hold them; null where it is not.</param>
    /// <param name="time">The clock.</param>
    public GenerationTelemetry(string model, GenerationRequest request, ITokenizer? content, TimeProvider time)
    {
        (_model, _request, _content, _time, _begun) = (model, request, content, time, time.GetTimestamp());
        // The span's name is only made where somebody will read it.
        _activity = ModelTelemetry.Source.HasListeners() ? ModelTelemetry.Source.StartActivity($"chat {model}", ActivityKind.Internal) : null;
        if (_activity is null) return;
        foreach (var (key, value) in Tags()) _activity.SetTag(key, value);
        var (sampling, keys) = (request.Sampling, request.SampleKeys);
        _activity.SetTag("gen_ai.request.max_tokens", sampling.MaxNewTokens);
        _activity.SetTag("gen_ai.request.temperature", sampling.Temperature);
        _activity.SetTag("gen_ai.request.top_p", sampling.TopP);
        if (sampling.TopK > 0) _activity.SetTag("gen_ai.request.top_k", (double)sampling.TopK);
        if (keys.Count != 1) _activity.SetTag("gen_ai.request.choice.count", keys.Count);

        // The convention has one seed for a request; here each sample has its own.
        if (keys.Count == 1) _activity.SetTag("gen_ai.request.seed", unchecked((long)keys[0]));
        else _activity.SetTag("self_rewarding.request.seeds", keys.Select(key => unchecked((long)key)).ToArray());
        if (content is not null) _activity.SetTag("gen_ai.input.messages", GenAiMessages.Json(GenAiMessages.Message("user", content.Decode(request.PromptIds))));
    }

    /// <summary>The request was answered.</summary>
    public void Succeeded(IReadOnlyList<Completion> completions)
    {
        if (_activity is null && !ModelTelemetry.IsMeasured) return;
        // The samples share the prompt's prefill: it is read once.
        var (read, written) = (_request.PromptIds.Length, completions.Sum(completion => completion.LogProbs.Length));
        _activity?.SetTag("gen_ai.usage.input_tokens", read);
        _activity?.SetTag("gen_ai.usage.output_tokens", written);
        _activity?.SetTag("gen_ai.response.finish_reasons", completions.Select(Reason).ToArray());
        if (_content is not null) _activity?.SetTag("gen_ai.output.messages", Answers(completions, _content));

        var tags = Tags();
        ModelTelemetry.RequestDuration.Record(completions.Max(completion => completion.Duration).TotalSeconds, tags);
        ModelTelemetry.TimeToFirstToken.Record(completions.Min(completion => completion.TimeToFirstToken).TotalSeconds, tags);
        foreach (var completion in completions.Where(completion => completion.LogProbs.Length > 1))
            ModelTelemetry.TimePerOutputToken.Record((completion.Duration - completion.TimeToFirstToken).TotalSeconds / (completion.LogProbs.Length - 1), tags);
        ModelTelemetry.CountTokens(tags, read, written);
    }

    /// <summary>The request came to nothing: only its duration is measured, under the error's type.</summary>
    public void Failed(Exception exception)
    {
        if (_activity is null && !ModelTelemetry.RequestDuration.Enabled) return;
        var type = exception.GetType().FullName;
        _activity?.SetTag("error.type", type);
        _activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
        ModelTelemetry.RequestDuration.Record(_time.GetElapsedTime(_begun).TotalSeconds, [.. Tags(), new("error.type", type)]);
    }

    public void Dispose() => _activity?.Dispose();

    // Apart from its caller, which would allocate what the lambda holds even where nobody listens.
    private static string Answers(IReadOnlyList<Completion> completions, ITokenizer content) =>
        GenAiMessages.Json([.. completions.Select(completion => GenAiMessages.Message("assistant", content.Decode(completion.TokenIds), Reason(completion)))]);

    private TagList Tags() => new() { { "gen_ai.operation.name", "chat" }, { "gen_ai.provider.name", Provider }, { "gen_ai.request.model", _model } };

    private static string Reason(Completion completion) => completion.FinishReason == FinishReason.Stop ? "stop" : "length";
}
