using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class ModelTelemetryTests : IDisposable
{
    private readonly LoadedModel _model = TinyModel.Load();
    private readonly string _name = $"tiny-{Guid.NewGuid():N}";
    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly ConcurrentQueue<(string Name, double Value, Dictionary<string, object?> Tags)> _figures = new();
    private readonly ActivityListener _activities;
    private readonly MeterListener _meters = new();

    public ModelTelemetryTests()
    {
        _activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "SelfRewarding.Model",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (span.DisplayName == $"chat {_name}") _spans.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(_activities);
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "SelfRewarding.Model") listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _meters.Start();
    }

    [Fact]
    public async Task A_request_is_a_span_with_the_conventions_tags_and_no_text()
    {
        await using var engine = new GenerationEngine(_model, name: _name);

        await engine.GenerateAsync(new([1, 5, 6], [1, 2], new(0.7, 0.9, 0, 4, [])), TestContext.Current.CancellationToken);

        var span = _spans.ShouldHaveSingleItem();
        span.Kind.ShouldBe(ActivityKind.Internal);
        span.Status.ShouldBe(ActivityStatusCode.Unset);
        var tags = span.TagObjects.ToDictionary(tag => tag.Key, tag => tag.Value);
        tags.Keys.Order(StringComparer.Ordinal).ShouldBe(
        [
            "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.choice.count", "gen_ai.request.max_tokens", "gen_ai.request.model", "gen_ai.request.temperature",
            "gen_ai.request.top_p", "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
        ]);
        tags["gen_ai.request.model"].ShouldBe(_name);
        tags["gen_ai.usage.input_tokens"].ShouldBe(3);
        tags["gen_ai.usage.output_tokens"].ShouldBe(8);
        tags["gen_ai.response.finish_reasons"].ShouldBe(new[] { "length", "length" });
    }

    [Fact]
    public async Task A_request_is_measured_in_the_conventions_histograms()
    {
        await using var engine = new GenerationEngine(_model, name: _name);

        await engine.GenerateAsync(new([1, 5, 6], [1, 2], new(0.7, 0.9, 0, 4, [])), TestContext.Current.CancellationToken);

        Figures("gen_ai.server.request.duration").Length.ShouldBe(1);
        Figures("gen_ai.server.time_to_first_token").Length.ShouldBe(1);
        Figures("gen_ai.server.time_per_output_token").Length.ShouldBe(2);
        Figures("gen_ai.client.token.usage", "input").ShouldBe([3]);
        Figures("gen_ai.client.token.usage", "output").ShouldBe([8]);
    }

    [Fact]
    public async Task A_request_that_fails_is_an_error_and_not_measured()
    {
        var engine = new GenerationEngine(_model, name: _name);
        await engine.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(engine.GenerateAsync(new([1], [1], new(0, 1, 0, 4)), TestContext.Current.CancellationToken));

        var span = _spans.ShouldHaveSingleItem();
        span.Status.ShouldBe(ActivityStatusCode.Error);
        span.GetTagItem("error.type").ShouldBe("System.ObjectDisposedException");
        _figures.ShouldBeEmpty();
    }

    public void Dispose()
    {
        _activities.Dispose();
        _meters.Dispose();
        _model.Dispose();
    }

    private double[] Figures(string name, string? tokenType = null) =>
        [.. _figures.Where(figure => figure.Name == name && (string?)figure.Tags.GetValueOrDefault("gen_ai.token.type") == tokenType).Select(figure => figure.Value)];

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var all = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
        if (all.TryGetValue("gen_ai.request.model", out var model) && Equals(model, _name)) _figures.Enqueue((instrument.Name, value, all));
    }
}
