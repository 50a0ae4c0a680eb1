using Microsoft.Extensions.Configuration;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class TelemetryOptionsTests
{
    [Fact]
    public void Without_an_endpoint_everything_is_off_and_nothing_is_looked_at() =>
        From(("OTEL_EXPORTER_OTLP_ENDPOINT", " "), ("OTEL_TRACES_SAMPLER", "nonsense")).ShouldBe(TelemetryOptions.Off);

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        var error = Should.Throw<WorkerOptionsException>(() => From(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "user:secret@collector"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), ("OTEL_TRACES_SAMPLER", "some"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"), ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "perhaps")));
        error.Message.Split(Environment.NewLine).Length.ShouldBe(5);
        error.Message.ShouldContain("OTEL_EXPORTER_OTLP_ENDPOINT is no address, expected http://collector:4317");
        error.Message.ShouldContain("OTEL_EXPORTER_OTLP_PROTOCOL is 'http/json', expected grpc");
        error.Message.ShouldContain("OTEL_TRACES_SAMPLER is 'some', expected one of always_on");
        error.Message.ShouldContain("OTEL_TRACES_SAMPLER_ARG is '2', expected the share of traces to keep");
        error.Message.ShouldContain("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT is 'perhaps', expected true");
        error.Message.ShouldNotContain("secret");
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("false", false)]
    [InlineData("NO_CONTENT", false)]
    [InlineData("true", true)]
    [InlineData("SPAN_ONLY", true)]
    public void Texts_go_into_spans_only_where_that_is_asked_for(string? setting, bool captured) =>
        From(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"), ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", setting)).CaptureContent.ShouldBe(captured);

    [Fact]
    public void The_SDK_is_given_what_begins_with_OTEL_and_nothing_else() =>
        From(("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector"), ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_TRACES_SAMPLER_ARG", ""), ("SELFREWARD_POSTGRES", "Password=x"))
            .Settings.ShouldBe([KeyValuePair.Create("OTEL_EXPORTER_OTLP_ENDPOINT", (string?)"https://collector"), KeyValuePair.Create("OTEL_BSP_SCHEDULE_DELAY", (string?)"100")], ignoreOrder: true);

    private static TelemetryOptions From(params (string Key, string? Value)[] settings) =>
        TelemetryOptions.From(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value))).Build());
}
