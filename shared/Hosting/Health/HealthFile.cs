using MassTransit;
using Microsoft.Extensions.Hosting;

namespace SelfRewarding.Hosting;

/// <summary>
/// Tells whoever watches a worker that it lives: a file (<c>SELFREWARD_HEALTH_FILE</c>) is touched every few seconds while the bus is connected.
/// A file needs no port, and a container's health check no program but <c>find</c>.
/// </summary>
public sealed class HealthFile(WorkerOptions options, IBusControl bus, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.HealthFile is not { } file)
            return;
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            if (bus.CheckHealth().Status == BusHealthStatus.Healthy)
                await File.WriteAllTextAsync(file, time.GetUtcNow().ToString("O", System.Globalization.CultureInfo.InvariantCulture), stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
