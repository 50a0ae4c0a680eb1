using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Shouldly;

namespace SelfRewarding.Model.Tests;

[Collection(Listeners)]
public sealed class ModelTelemetryTests : IDisposable
{
    /// <summary>Tests that listen, and tests that need nobody to listen, take turns.</summary>
    public const string Listeners = "listeners";

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
            "gen_ai.request.top_p", "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "self_rewarding.request.seeds",
        ]);
        tags["gen_ai.operation.name"].ShouldBe("chat");
        tags["gen_ai.request.choice.count"].ShouldBe(2);
        tags["self_rewarding.request.seeds"].ShouldBe(new[] { 1L, 2L });
        tags["gen_ai.request.model"].ShouldBe(_name);
        tags["gen_ai.usage.input_tokens"].ShouldBe(3);
        tags["gen_ai.usage.output_tokens"].ShouldBe(8);
        tags["gen_ai.response.finish_reasons"].ShouldBe(new[] { "length", "length" });
    }

    [Fact]
    public async Task A_request_for_one_sample_has_its_seed_and_no_count_of_choices()
    {
        await using var engine = new GenerationEngine(_model, name: _name);

        await engine.GenerateAsync(new([1, 5, 6], [ulong.MaxValue], new(0.7, 0.9, 40, 4, [])), TestContext.Current.CancellationToken);

        var span = _spans.ShouldHaveSingleItem();
        span.GetTagItem("gen_ai.request.seed").ShouldBe(-1L);
        span.GetTagItem("gen_ai.request.top_k").ShouldBe(40.0);
        span.GetTagItem("gen_ai.request.choice.count").ShouldBeNull();
        span.GetTagItem("self_rewarding.request.seeds").ShouldBeNull();
    }

    [Fact]
    public async Task Prompt_and_answers_are_in_the_span_where_that_is_asked_for()
    {
        await using var engine = new GenerationEngine(_model, new GenerationEngineOptions(CaptureContent: true), _name);

        var answers = await engine.GenerateAsync(new([1, 5, 6], [1, 2], new(0.7, 0.9, 0, 2, [])), TestContext.Current.CancellationToken);

        var span = _spans.ShouldHaveSingleItem();
        span.GetTagItem("gen_ai.input.messages").ShouldBe("""[{"role":"user","parts":[{"type":"text","content":"1 5 6"}]}]""");
        var texts = answers.Select(answer => $$"""{"role":"assistant","parts":[{"type":"text","content":"{{string.Join(' ', answer.TokenIds)}}"}],"finish_reason":"length"}""");
        span.GetTagItem("gen_ai.output.messages").ShouldBe($"[{string.Join(',', texts)}]");
    }

    [Fact]
    public async Task Slots_and_requests_are_counted_up_and_down_again()
    {
        await using (var engine = new GenerationEngine(_model, new GenerationEngineOptions(Slots: 2), _name))
        {
            await Task.WhenAll(Enumerable.Range(0, 5).Select(key => engine.GenerateAsync(new([1, 5], [(ulong)key], new(0.7, 0.9, 0, 4, [])), TestContext.Current.CancellationToken)));
        }

        Levels("self_rewarding.generation.slot.limit").ShouldBe([2, 0]);
        Levels("self_rewarding.generation.slot.usage").Max().ShouldBe(2);
        Levels("self_rewarding.generation.slot.usage")[^1].ShouldBe(0);
        Levels("self_rewarding.generation.pending_requests")[^1].ShouldBe(0);
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
    public async Task A_request_that_fails_is_an_error_with_a_duration_and_no_tokens()
    {
        var engine = new GenerationEngine(_model, name: _name);
        await engine.DisposeAsync();

        await Should.ThrowAsync<ObjectDisposedException>(engine.GenerateAsync(new([1], [1], new(0, 1, 0, 4)), TestContext.Current.CancellationToken));

        var span = _spans.ShouldHaveSingleItem();
        span.Status.ShouldBe(ActivityStatusCode.Error);
        span.GetTagItem("error.type").ShouldBe("System.ObjectDisposedException");
        var figure = _figures.Where(figure => figure.Name.StartsWith("gen_ai.", StringComparison.Ordinal)).ShouldHaveSingleItem();
        figure.Name.ShouldBe("gen_ai.server.request.duration");
        figure.Tags["error.type"].ShouldBe("System.ObjectDisposedException");
    }

    public void Dispose()
    {
        _activities.Dispose();
        _meters.Dispose();
        _model.Dispose();
    }

    private double[] Figures(string name, string? tokenType = null) =>
        [.. _figures.Where(figure => figure.Name == name && (string?)figure.Tags.GetValueOrDefault("gen_ai.token.type") == tokenType).Select(figure => figure.Value)];

    // What an up-down counter stood at after each change.
    private double[] Levels(string name)
    {
        var level = 0.0;
        return [.. Figures(name).Select(change => level += change)];
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var all = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
        if (all.TryGetValue("gen_ai.request.model", out var model) && Equals(model, _name)) _figures.Enqueue((instrument.Name, value, all));
    }
}
