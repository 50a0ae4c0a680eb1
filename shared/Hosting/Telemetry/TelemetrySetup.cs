using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace SelfRewarding.Hosting;

/// <summary>
/// Traces, metrics and logs over OTLP, when an endpoint is set; without one nothing listens and nothing is paid.
/// Source and meter names are assembly names; messaging spans are MassTransit's, database spans Npgsql's.
/// </summary>
public static class TelemetrySetup
{
    private static readonly string[] _names = ["SelfRewarding.*", "MassTransit", "Npgsql"];

    internal static IServiceCollection AddTelemetry(this IServiceCollection services, WorkerOptions options, IReadOnlyList<WorkerModule> modules)
    {
        if (!options.Telemetry.IsOn)
            return services;
        Activity.DefaultIdFormat = ActivityIdFormat.W3C;
        var service = modules.Count switch { 0 => "control", 1 => modules[0].Name, _ => "selfreward" };
        services.AddSingleton(_ => OpenTelemetrySdk.Create(builder =>
        {
            builder.Services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(options.Telemetry.Settings).Build());
            // The host's filters have decided already what is worth a line.
            builder.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace));
            builder.ConfigureResource(resource => Describe(resource, service))
                .WithTracing(tracing => tracing.AddSource(_names))
                .WithMetrics(metrics => metrics.AddMeter(_names))
                .WithLogging(_ => { }, logs => logs.IncludeFormattedMessage = true)
                .UseOtlpExporter();
        }));
        services.AddSingleton<ILoggerProvider, OtlpLoggerProvider>();
        return services.AddHostedService<TelemetryService>();
    }

    // https://opentelemetry.io/docs/specs/semconv/resource/service/. What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes last, and so has the last word.
    private static void Describe(ResourceBuilder resource, string service) =>
        resource.Clear()
            .AddService(service, serviceVersion: typeof(TelemetrySetup).Assembly.GetName().Version!.ToString(3), serviceInstanceId: $"{Environment.MachineName}-{Environment.ProcessId}")
            .AddTelemetrySdk().AddEnvironmentVariableDetector();

    /// <summary>Leaves out what is asked outside of any trace: whoever follows the log asks it some times a second, for as long as it runs.</summary>
    internal static NpgsqlDataSourceBuilder WithTracesOnly(this NpgsqlDataSourceBuilder builder) =>
        builder.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(_ => Activity.Current is not null).ConfigureBatchFilter(_ => Activity.Current is not null)
            .EnablePhysicalOpenTracing(false));

    /// <summary>What is logged through the host, with the trace and span that it was logged in. The SDK, which the container disposes of, sends the rest when it ends.</summary>
    private sealed class OtlpLoggerProvider(OpenTelemetrySdk sdk) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => sdk.GetLoggerFactory().CreateLogger(categoryName);

        public void Dispose()
        {
        }
    }

    /// <summary>Makes the providers when the host starts.</summary>
    private sealed class TelemetryService(OpenTelemetrySdk sdk) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(sdk);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
