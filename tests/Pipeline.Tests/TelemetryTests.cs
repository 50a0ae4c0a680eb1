using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.PairBuilder;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class TelemetryTests
{
    [Fact]
    public void A_supervised_step_reports_loss_and_gradient_norm_and_no_reward()
    {
        var seen = Listen(() => TrainingTelemetry.Record(Step("telemetry-sft", null)), "telemetry-sft");
        seen.ShouldBe(["self_rewarding.training.loss=0.5", "self_rewarding.training.grad_norm=2"], ignoreOrder: true);
    }

    [Fact]
    public void A_preference_step_reports_margin_and_accuracy_too()
    {
        var seen = Listen(() => TrainingTelemetry.Record(Step("telemetry-dpo", new PreferenceMetrics(1, 0, 1, 0.75, -1, -2))), "telemetry-dpo");
        seen.ShouldContain("self_rewarding.training.reward.margin=1");
        seen.ShouldContain("self_rewarding.training.reward.accuracy=0.75");
    }

    [Fact]
    public void A_discarded_prompt_is_counted_under_its_reason() =>
        Listen(() => PairTelemetry.Count(new PromptDiscarded("r", 1, 0, DiscardReason.SmallMargin, "", [], [])), "SmallMargin").ShouldBe(["self_rewarding.prompt.discarded=1"]);

    private static TrainingStepped Step(string model, PreferenceMetrics? preference) => new("r", model, 1, 0.5, 2, 1e-3, 10, 0.1, preference, [0], null, []);

    // Other tests may record at the same time: only measurements with this tag count.
    private static List<string> Listen(Action record, string tag)
    {
        var seen = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name.StartsWith("SelfRewarding.", StringComparison.Ordinal))
                    self.EnableMeasurementEvents(instrument);
            },
        };
        void Note<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
        {
            foreach (var (_, text) in tags)
            {
                if (text as string == tag)
                    seen.Add(FormattableString.Invariant($"{instrument.Name}={value}"));
            }
        }

        listener.SetMeasurementEventCallback<double>(Note);
        listener.SetMeasurementEventCallback<long>(Note);
        listener.Start();
        record();
        return seen;
    }
}
