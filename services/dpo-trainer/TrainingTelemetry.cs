using System.Diagnostics;
using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// The span <c>train {model}</c> with some of its steps as events, and what each step was like as metrics, tagged with the model; every step is in the log. Losses and margins are
/// differences of natural logarithms of probabilities, hence their unit (https://opentelemetry.io/docs/specs/semconv/general/metrics/#instrument-units).
/// </summary>
public static class TrainingTelemetry
{
    /// <summary>Most steps that a span has as events: of more than 128 the exporter sends none but the first 128.</summary>
    public const int MostEvents = 100;

    private const string Name = "SelfRewarding.DpoTrainer";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Gauge<double> Loss = Meter.CreateGauge<double>("self_rewarding.training.loss", "{nat}", "Loss of the last step");
    private static readonly Gauge<double> GradNorm = Meter.CreateGauge<double>("self_rewarding.training.grad_norm", "{nat}", "Global gradient norm before clipping");
    private static readonly Gauge<double> Margin = Meter.CreateGauge<double>("self_rewarding.training.reward.margin", "{nat}", "rewards/margins of the last step");
    private static readonly Gauge<double> Accuracy = Meter.CreateGauge<double>("self_rewarding.training.reward.accuracy", "1", "rewards/accuracies of the last step");
    private static readonly Gauge<double> WinRate = Meter.CreateGauge<double>(
        "self_rewarding.training.win_rate", "1", "Share of held-out prompts on which the last checkpoint's answer won against the checkpoint before; a tie is half");
    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>("self_rewarding.training.tokens", "{token}", "Tokens that were trained on");
    private static readonly Histogram<double> StepDuration = Meter.CreateHistogram(
        "self_rewarding.training.step.duration", "s", "Time of a step", null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100] });

    /// <summary>Whether training has spans.</summary>
    internal static bool IsTraced => Source.HasListeners();

    /// <summary>A model's training, linked to what noted the job and to what its stream has so far: the frozen dataset, or an attempt that ended early.</summary>
    internal static Activity? Begin(string run, string model, ActivityContext cause, IEnumerable<Recorded> begun) =>
        Traces.Begin(Source, $"train {model}", [cause, .. begun.Select(recorded => Traces.Of(recorded.TraceParent))])?.SetTag("self_rewarding.run", run).SetTag("self_rewarding.model", model);

    /// <summary>Puts the plan onto the span of the training at hand.</summary>
    public static void Describe(TrainingStarted plan, int completedSteps) =>
        Activity.Current?.SetTag("self_rewarding.training.recipe", plan.Recipe).SetTag("self_rewarding.training.parent", plan.Parent.Name)
            .SetTag("self_rewarding.training.dataset.sha256", plan.DatasetSha256).SetTag("self_rewarding.training.examples", plan.Examples)
            .SetTag("self_rewarding.training.steps", plan.Steps).SetTag("self_rewarding.training.completed_steps", completedSteps);

    /// <summary>Records a step; of its <paramref name="steps"/>, about evenly, at most <see cref="MostEvents"/> become events of the span at hand, the first and the last among them.</summary>
    public static void Record(TrainingStepped step, int steps)
    {
        var model = KeyValuePair.Create("model", (object?)step.Model);
        Loss.Record(step.Loss, model);
        GradNorm.Record(step.GradNorm, model);
        Tokens.Add(step.Tokens, model);
        StepDuration.Record(step.Seconds, model);
        if (step.Preference is { } preference)
        {
            Margin.Record(preference.RewardsMargins, model);
            Accuracy.Record(preference.RewardsAccuracies, model);
        }

        if (Activity.Current is { IsAllDataRequested: true } span && IsEvent(step.Step, steps))
            span.AddEvent(new ActivityEvent("self_rewarding.training.step", tags: Tags(step)));
    }

    /// <summary>Records how a checkpoint did against the one before, as an event of the span at hand, too; the first has none before it.</summary>
    public static void Record(CheckpointCompared compared)
    {
        if (compared.Against is not { } against)
            return;
        WinRate.Record((compared.Wins + (compared.Ties / 2.0)) / compared.Answers.Count, KeyValuePair.Create("model", (object?)compared.Model));
        if (Activity.Current is { IsAllDataRequested: true } span)
        {
            span.AddEvent(new ActivityEvent("self_rewarding.training.comparison", tags: new ActivityTagsCollection
            {
                ["step"] = compared.Step, ["against"] = against, ["wins"] = compared.Wins, ["ties"] = compared.Ties, ["losses"] = compared.Losses, ["stops"] = compared.Stops,
            }));
        }
    }

    private static bool IsEvent(int step, int steps)
    {
        var every = (steps + MostEvents - 3) / (MostEvents - 2); // beside the first and the last
        return step == 1 || step == steps || step % every == 0;
    }

    private static ActivityTagsCollection Tags(TrainingStepped step)
    {
        var tags = new ActivityTagsCollection
        {
            ["step"] = step.Step, ["loss"] = step.Loss, ["grad_norm"] = step.GradNorm, ["learning_rate"] = step.LearningRate, ["tokens"] = step.Tokens,
        };
        if (step.Preference is { } preference)
        {
            tags["rewards/margins"] = preference.RewardsMargins;
            tags["rewards/accuracies"] = preference.RewardsAccuracies;
        }

        return tags;
    }
}
