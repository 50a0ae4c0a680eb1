using SelfRewarding.Control.Summary;
using SelfRewarding.Hosting;
using Spectre.Console;

namespace SelfRewarding.Control.View;

/// <summary>Shows a run while it goes on: a picture that is redrawn on a terminal, lines elsewhere.</summary>
public static class LiveView
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Follows a run until it is finished or the facts end. Facts from before the call are taken without being told: a run that goes on does
    /// not tell its story twice.
    /// </summary>
    /// <param name="facts">The log's facts from its start, and then live.</param>
    /// <param name="plain">Lines, even on a terminal.</param>
    /// <param name="clock">The system's, unless a test has its own.</param>
    /// <returns>The run as it is at the end.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled; the terminal is as it was before.</exception>
    public static async Task<RunSummary> FollowAsync(
        IAnsiConsole console, string run, IAsyncEnumerable<Recorded> facts, bool plain, CancellationToken cancellationToken, TimeProvider? clock = null)
    {
        var summary = new RunSummary(run);
        if (plain || !console.Profile.Out.IsTerminal || !console.Profile.Capabilities.Ansi)
            await TellAsync(console, summary, facts, clock ?? TimeProvider.System, cancellationToken);
        else
            await DrawAsync(console, summary, facts, clock ?? TimeProvider.System, cancellationToken);
        return summary;
    }

    private static async Task TellAsync(
        IAnsiConsole console, RunSummary summary, IAsyncEnumerable<Recorded> facts, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (from, lines, goesOn) = (clock.GetUtcNow(), new PlainLines(summary), false);
        await foreach (var recorded in facts.WithCancellation(cancellationToken))
        {
            var known = recorded.At < from;
            if (!known && goesOn) Tell(recorded.At, $"run {summary.Run} goes on where it was");
            summary.Apply(recorded.Fact, recorded.At);
            goesOn = known && summary.StartedAt is not null;
            // Not markup, and never wrapped: a line is one line, whatever reads it.
            if (!known && lines.After(recorded.Fact, recorded.At) is { } line) Tell(recorded.At, line);
            if (summary.IsFinished) return;
        }

        void Tell(DateTimeOffset at, string line) => console.Profile.Out.Writer.WriteLine($"{TimeZoneInfo.ConvertTime(at, clock.LocalTimeZone):HH:mm:ss} {line}");
    }

    private static async Task DrawAsync(
        IAnsiConsole console, RunSummary summary, IAsyncEnumerable<Recorded> facts, TimeProvider clock, CancellationToken cancellationToken)
    {
        var gate = new Lock();
        var folding = FoldAsync();
        await console.Live(Text.Empty).AutoClear(true).StartAsync(async screen =>
        {
            using var redraw = new PeriodicTimer(Redraw, clock);
            do
            {
                lock (gate)
                    screen.UpdateTarget(RunPicture.Of(summary, console, clock.GetUtcNow()));
            }
            while (await Task.WhenAny(folding, redraw.WaitForNextTickAsync(cancellationToken).AsTask()) != folding);
        });
        await folding;

        async Task FoldAsync()
        {
            await foreach (var recorded in facts.WithCancellation(cancellationToken))
            {
                lock (gate)
                {
                    summary.Apply(recorded.Fact, recorded.At);
                    if (summary.IsFinished) return;
                }
            }
        }
    }
}
