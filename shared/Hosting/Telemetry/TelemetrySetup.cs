using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
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
    internal static IServiceCollection AddTelemetry(this IServiceCollection services, WorkerOptions options, IReadOnlyList<WorkerModule> modules)
    {
        if (string.IsNullOrWhiteSpace(options.OtlpEndpoint))
            return services;
        var service = modules.Count == 1 ? modules[0].Name : "selfreward";
        var endpoint = new Uri(options.OtlpEndpoint);
        void Otlp(OtlpExporterOptions exporter) => exporter.Endpoint = endpoint;
        var resource = ResourceBuilder.CreateDefault().AddService(service);
        services.AddSingleton(_ => Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
            .AddSource("SelfRewarding.*", "MassTransit", "Npgsql").AddOtlpExporter(Otlp).Build());
        services.AddSingleton(_ => Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
            .AddMeter("SelfRewarding.*", "MassTransit", "Npgsql").AddOtlpExporter(Otlp).Build());
        services.AddHostedService<TelemetryService>();
        services.AddLogging(logging => logging.AddOpenTelemetry(logs => logs.SetResourceBuilder(resource).AddOtlpExporter(Otlp)));
        Activity.DefaultIdFormat = ActivityIdFormat.W3C;
        return services;
    }

    /// <summary>Makes the providers when the host starts; the container flushes and disposes them when it ends.</summary>
    private sealed class TelemetryService(TracerProvider tracing, MeterProvider metrics) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            tracing.ForceFlush();
            metrics.ForceFlush();
            await Task.CompletedTask;
        }
    }
}
