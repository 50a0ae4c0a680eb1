using MassTransit;
using Microsoft.Extensions.Hosting;

namespace SelfRewarding.Hosting;

/// <summary>
/// At every start, what the log says is outstanding goes onto the bus again: a message that was lost with a broker, a worker or a power
/// failure is made anew from the log, and goes on in the trace that is recorded there. Whoever finds the work done already does nothing.
/// </summary>
public sealed class Recovery(RunLog log, IBus bus) : BackgroundService
{
    /// <summary>Publishes what is outstanding, of one run or of all.</summary>
    public async Task RepublishAsync(string? run, CancellationToken cancellationToken)
    {
        var outstanding = new Outstanding();
        await foreach (var recorded in log.ReadAllAsync(0, run, cancellationToken))
            outstanding.Apply(recorded);
        foreach (var recorded in outstanding.Facts(run))
        {
            using var span = Traces.Resume(recorded);
            await bus.PublishFactAsync(recorded.Fact, cancellationToken);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RepublishAsync(null, stoppingToken);
}
