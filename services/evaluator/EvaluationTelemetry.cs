using System.Diagnostics;
using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Evaluator;

/// <summary>The span <c>evaluate {model}</c> and a model's figures as metrics (https://opentelemetry.io/docs/specs/semconv/general/metrics/); the same figures are in the log.</summary>
public static class EvaluationTelemetry
{
    private const string Name = "SelfRewarding.Evaluator";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Gauge<double> ExactMatch = Meter.CreateGauge<double>("self_rewarding.evaluation.exact_match", "1", "Share of held-out instructions whose sampled answer is right");
    private static readonly Gauge<double> PairwiseAccuracy = Meter.CreateGauge<double>("self_rewarding.evaluation.pairwise_accuracy", "1", "Share of held-out pairs that the model's scores order as people did");
    private static readonly Gauge<double> Unparsable = Meter.CreateGauge<double>("self_rewarding.evaluation.unparsable", "1", "Share of held-out judgements without a score");

    /// <summary>A model's evaluation, linked to its publication and to what noted the job.</summary>
    internal static Activity? Begin(Recorded published, ActivityContext cause)
    {
        var model = ((ModelPublished)published.Fact).Model.Name;
        return Source.HasListeners()
            ? Traces.Begin(Source, $"evaluate {model}", Traces.Of(published.TraceParent), cause)?.SetTag("self_rewarding.run", ((ModelPublished)published.Fact).Run).SetTag("gen_ai.request.model", model)
            : null;
    }

    /// <summary>Records the figures that were just appended.</summary>
    internal static void Record(Activity? span, object fact)
    {
        if (fact is not ModelEvaluated evaluated)
            return;
        var model = KeyValuePair.Create("model", (object?)evaluated.Model.Name);
        Set(ExactMatch, evaluated.Following.ExactMatchSampled);
        Set(PairwiseAccuracy, evaluated.Judging?.PairwiseAccuracy);
        Set(Unparsable, evaluated.Judging?.UnparsableRate);

        void Set(Gauge<double> gauge, double? figure)
        {
            if (figure is not { } value)
                return;
            gauge.Record(value, model);
            span?.SetTag(gauge.Name, value);
        }
    }
}
