using SelfRewarding.Control;
using SelfRewarding.Control.Summary;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>A run that has been recorded as started, carried to its end in this process.</summary>
internal static class WholeRun
{
    /// <summary>Starts the workers, and follows the log until the run has ended and its last model is measured.</summary>
    /// <param name="apply">Given each fact as soon as it is there.</param>
    /// <exception cref="InvalidOperationException">A worker failed for good.</exception>
    public static async Task CarryAsync(RunHost host, string run, Action<Recorded> apply, CancellationToken cancellationToken)
    {
        await host.StartAsync(run, cancellationToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, host.Stopping);
        var summary = new RunSummary(run);
        try
        {
            await foreach (var recorded in host.Runs.FollowAsync(0, run, either.Token))
            {
                apply(recorded);
                summary.Apply(recorded.Fact, recorded.At);
                if (summary.IsFinished)
                    return;
            }
        }
        catch (OperationCanceledException) when (host.Stopping.IsCancellationRequested)
        {
            // A worker failed for good.
        }

        throw new InvalidOperationException($"The run failed: {host.Failure?.Message ?? "its host was stopped"}.", host.Failure);
    }
}
