using System.Diagnostics;

namespace SelfRewarding.Inference;

/// <summary>
/// The span <c>judge {model}</c> of one answer, around the generation of its judgements, with an event for each
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-events/#event-gen_aievaluationresult). Raw texts are in the log.
/// </summary>
internal static class JudgingTelemetry
{
    private static readonly ActivitySource Source = new("SelfRewarding.Inference");

    /// <summary>Null where nobody listens.</summary>
    public static Activity? Start(string model, int candidate) =>
        Source.HasListeners()
            ? Source.StartActivity($"judge {model}", ActivityKind.Internal)?.SetTag("gen_ai.provider.name", "self_rewarding").SetTag("gen_ai.request.model", model).SetTag("self_rewarding.candidate", candidate)
            : null;

    /// <summary>One event a judgement: the score, or why there is none.</summary>
    public static void Add(Activity? span, AnswerJudged judged)
    {
        if (span is not { IsAllDataRequested: true })
            return;
        if (judged.Server is { } server)
        {
            var model = string.Join(", ", server.Models);
            span.SetTag("gen_ai.provider.name", ServerTelemetry.Provider).SetTag("gen_ai.response.model", model).DisplayName = $"judge {model}";
        }

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
}
