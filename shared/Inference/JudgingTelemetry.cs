using System.Diagnostics;
using SelfRewarding.Contracts;

namespace SelfRewarding.Inference;

/// <summary>
/// The span <c>judge {model}</c> of one answer, around the generation of its judgements, and <c>meta-judge {model}</c> around the comparing of them, with an event for each
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-events/#event-gen_aievaluationresult). Raw texts are in the log.
/// </summary>
internal static class JudgingTelemetry
{
    private static readonly ActivitySource Source = new("SelfRewarding.Inference");

    /// <summary>The span of an answer's judgements; null where nobody listens.</summary>
    public static Activity? Start(string model, int candidate) => Start("judge", model, candidate);

    /// <summary>The span of comparing an answer's judgements; null where nobody listens.</summary>
    public static Activity? StartMeta(string model, int candidate) => Start("meta-judge", model, candidate);

    private static Activity? Start(string what, string model, int candidate) =>
        Source.HasListeners()
            ? Source.StartActivity($"{what} {model}", ActivityKind.Internal)?.SetTag("gen_ai.provider.name", "self_rewarding").SetTag("gen_ai.request.model", model).SetTag("self_rewarding.candidate", candidate)
            : null;

    /// <summary>One event a judgement: the score, or why there is none.</summary>
    public static void Add(Activity? span, AnswerJudged judged)
    {
        if (span is not { IsAllDataRequested: true })
            return;
        AddServer(span, "judge", judged.Server);
        foreach (var judgement in judged.Judgements)
        {
            var tags = new ActivityTagsCollection { ["gen_ai.evaluation.name"] = "additive_score" };
            if (judgement.Score is { } score)
            {
                tags["gen_ai.evaluation.score.value"] = score;
            }
            else
            {
                tags["error.type"] = "unparsable";
                tags["gen_ai.evaluation.score.label"] = "unparsable";
                tags["gen_ai.evaluation.explanation"] = judgement.Unparsable;
            }

            span.AddEvent(new ActivityEvent("gen_ai.evaluation.result", tags: tags));
        }
    }

    /// <summary>One event a comparison: which of the two was preferred, or why that cannot be said.</summary>
    public static void Add(Activity? span, IReadOnlyList<JudgementsCompared> compared)
    {
        if (span is not { IsAllDataRequested: true })
            return;
        AddServer(span, "meta-judge", ServedBy.Sum(compared.Select(comparison => comparison.Server)));
        foreach (var (comparison, _) in compared)
        {
            var tags = new ActivityTagsCollection { ["gen_ai.evaluation.name"] = "judgement_preference", ["gen_ai.evaluation.score.label"] = comparison.Preferred() };
            if (comparison.Winner is null)
            {
                tags["error.type"] = "unparsable";
                tags["gen_ai.evaluation.explanation"] = comparison.Unparsable;
            }

            span.AddEvent(new ActivityEvent("gen_ai.evaluation.result", tags: tags));
        }
    }

    private static void AddServer(Activity span, string what, ServedBy? served)
    {
        if (served is not { } server)
            return;
        var model = string.Join(", ", server.Models);
        span.SetTag("gen_ai.provider.name", ServerTelemetry.Provider).SetTag("gen_ai.response.model", model).DisplayName = $"{what} {model}";
    }
}
