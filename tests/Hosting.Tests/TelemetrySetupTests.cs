using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

[Collection(Listeners)]
public sealed partial class TelemetrySetupTests : IAsyncDisposable
{
    /// <summary>Tests that listen, and tests that need nobody to listen, take turns.</summary>
    public const string Listeners = "listeners";

    private readonly ActivitySource _source = new("SelfRewarding.TelemetrySetupTests");

    [Fact]
    public async Task Without_an_endpoint_nothing_listens_and_there_is_no_span()
    {
        using var host = Build(("OTEL_TRACES_SAMPLER", "always_on"), ("OTEL_EXPORTER_OTLP_ENDPOINT", ""));
        await host.StartAsync(TestContext.Current.CancellationToken);

        host.Services.GetService<OpenTelemetrySdk>().ShouldBeNull();
        _source.HasListeners().ShouldBeFalse();
        _source.StartActivity("span").ShouldBeNull();
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Traces_metrics_and_logs_of_one_trace_go_out_with_the_headers_asked_for_and_the_service_s_name_version_and_instance()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        string trace;
        using (var host = Build(Sending(receiver, ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20secret"))))
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            using (var span = _source.StartActivity("a span").ShouldNotBeNull())
            {
                trace = span.TraceId.ToHexString();
                Said(host.Services.GetRequiredService<ILogger<TelemetrySetupTests>>(), "in a span");
                LogTelemetry.Reached("telemetry-setup-tests", 5);
            }

            await host.StopAsync(TestContext.Current.CancellationToken);
        }

        var instance = $"{Environment.MachineName}-{Environment.ProcessId}";
        receiver.Requests.ShouldAllBe(request => request.Authorization == "Bearer secret");
        receiver.Requests.Select(request => request.Path).Distinct().ShouldBe(["/v1/traces", "/v1/metrics", "/v1/logs"], ignoreOrder: true);
        receiver.Requests.ShouldAllBe(request => request.Contains("service.name") && request.Contains("selfreward-test") && request.Contains("service.version")
            && request.Contains("service.instance.id") && request.Contains(instance));
        Of(receiver, "/v1/traces").ShouldContain(request => request.Contains("a span") && request.Contains(Convert.FromHexString(trace)));
        Of(receiver, "/v1/metrics").ShouldContain(request => request.Contains("self_rewarding.log.reader.position") && request.Contains("telemetry-setup-tests"));
        Of(receiver, "/v1/logs").ShouldContain(request => request.Contains("in a span") && request.Contains(Convert.FromHexString(trace)));
    }

    [Fact]
    public async Task Resource_settings_have_the_last_word()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        using (var host = Build(Sending(receiver, ("OTEL_SERVICE_NAME", "renamed"), ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab"))))
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            _source.StartActivity("span")?.Dispose();
            await host.StopAsync(TestContext.Current.CancellationToken);
        }

        Of(receiver, "/v1/traces").ShouldContain(request => request.Contains("renamed") && request.Contains("deployment.environment.name") && !request.Contains("selfreward-test"));
    }

    [Theory]
    [InlineData("always_off", null, false)]
    [InlineData("traceidratio", "0", false)]
    [InlineData("parentbased_traceidratio", "1", true)]
    [InlineData(null, null, true)]
    public async Task The_sampler_asked_for_decides_and_what_it_leaves_out_still_has_a_trace_that_says_so(string? sampler, string? argument, bool sampled)
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        using (var host = Build(Sending(receiver, ("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument))))
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            using (var span = _source.StartActivity("span"))
            {
                // The context goes on through the bus and into the log, so that nobody further on decides otherwise.
                (span?.Recorded ?? false).ShouldBe(sampled);
                if (sampler != "always_off")
                    span.ShouldNotBeNull().Id!.ShouldEndWith(sampled ? "-01" : "-00");
            }

            await host.StopAsync(TestContext.Current.CancellationToken);
        }

        Of(receiver, "/v1/traces").Any().ShouldBe(sampled);
    }

    public ValueTask DisposeAsync()
    {
        _source.Dispose();
        return ValueTask.CompletedTask;
    }

    [LoggerMessage(1, LogLevel.Warning, "{What}")]
    private static partial void Said(ILogger logger, string what);

    private static (string, string?)[] Sending(OtlpReceiver receiver, params (string, string?)[] settings) =>
        [("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), .. settings];

    private static IEnumerable<OtlpRequest> Of(OtlpReceiver receiver, string path) => receiver.Requests.Where(request => request.Path == path);

    // A host with the in-memory bus and no worker's work; nothing asks for the database.
    private static IHost Build(params (string Key, string? Value)[] settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value))).Build();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        var options = new WorkerOptions { Data = Path.GetTempPath(), Postgres = "Host=nowhere", Telemetry = TelemetryOptions.From(configuration) };
        builder.Services.AddWorkers(options, [new WorkerModule("selfreward-test", _ => { }, _ => { })]);
        return builder.Build();
    }
}
