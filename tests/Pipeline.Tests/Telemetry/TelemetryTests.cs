using System.Diagnostics;
using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class TelemetryTests
{
    [Fact]
    public void A_supervised_step_reports_loss_and_gradient_norm_and_no_reward()
    {
        var seen = Listen(() => TrainingTelemetry.Record(Step("telemetry-sft", null), 1), "telemetry-sft");
        seen.ShouldBe(
            ["self_rewarding.training.loss=0.5", "self_rewarding.training.grad_norm=2", "self_rewarding.training.tokens=10", "self_rewarding.training.step.duration=0.1"], ignoreOrder: true);
    }

    [Fact]
    public void A_preference_step_reports_margin_and_accuracy_too()
    {
        var seen = Listen(() => TrainingTelemetry.Record(Step("telemetry-dpo", new PreferenceMetrics(1, 0, 1, 0.75, -1, -2)), 1), "telemetry-dpo");
        seen.ShouldContain("self_rewarding.training.reward.margin=1");
        seen.ShouldContain("self_rewarding.training.reward.accuracy=0.75");
    }

    [Fact]
    public void A_comparison_of_checkpoints_reports_its_win_rate_a_tie_being_half_and_the_first_checkpoint_has_none()
    {
        var first = new CheckpointCompared("r", "telemetry-compared", 2, "sha", new ModelRef("M1", "p", "s"), [.. Enumerable.Range(0, 8).Select(i => new ValidationAnswer(i, "p", "a", Finish.Stop, []))], null, 0, 0, 0, false);
        using var span = new Activity("train").Start();
        Listen(() => TrainingTelemetry.Record(first), first.Model).ShouldBeEmpty();
        Listen(() => TrainingTelemetry.Record(first with { Step = 4, Against = 2, Wins = 1, Ties = 2, Losses = 5, Stops = true }), first.Model).ShouldBe(["self_rewarding.training.win_rate=0.25"]);
        var told = span.Events.ShouldHaveSingleItem();
        told.Name.ShouldBe("self_rewarding.training.comparison");
        told.Tags.ShouldBe([new("step", 4), new("against", 2), new("wins", 1), new("ties", 2), new("losses", 5), new("stops", true)], ignoreOrder: true);
    }

    [Fact]
    public void A_discarded_prompt_is_counted_under_its_reason() =>
        Listen(() => PromptTelemetry.Count(PromptStage.Sampled, new PromptDiscarded("r", 1, 0, DiscardReason.SmallMargin, "", [], [])), "SmallMargin").ShouldBe(["self_rewarding.prompt.discarded=1"]);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(98, 98)]
    [InlineData(99, 51)]
    [InlineData(100, 51)]
    [InlineData(9_800, 99)]
    public void However_many_steps_a_training_has_its_span_has_at_most_a_hundred_events(int steps, int events)
    {
        using var span = new Activity("train").Start();
        for (var step = 1; step <= steps; step++)
            TrainingTelemetry.Record(Step("telemetry-events", null) with { Step = step }, steps);

        var seen = span.Events.Select(e => (int)e.Tags.Single(tag => tag.Key == "step").Value!).ToList();
        seen.Count.ShouldBe(events);
        seen.Count.ShouldBeLessThanOrEqualTo(TrainingTelemetry.MostEvents);
        (seen[0], seen[^1]).ShouldBe((1, steps));
    }

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
