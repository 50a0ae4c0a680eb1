using SelfRewarding.Control.Summary;
using SelfRewarding.Hosting;
using Spectre.Console;

namespace SelfRewarding.Control.View;

/// <summary>Shows a run while it goes on: a picture that is redrawn on a terminal, lines elsewhere.</summary>
public static class LiveView
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Takes facts into the summary and shows it, until the run is finished, the facts end, or it is cancelled: a quiet end, with the terminal
    /// as it was before. Facts from before the call are taken without being told: a run that goes on does not tell its story twice.
    /// </summary>
    /// <param name="summary">What came before the facts, or nothing yet.</param>
    /// <param name="facts">The log's facts from there, and then live.</param>
    /// <param name="plain">Lines, even on a terminal.</param>
    public static async Task ShowAsync(
        IAnsiConsole console, RunSummary summary, IAsyncEnumerable<Recorded> facts, TimeProvider clock, bool plain, CancellationToken cancellationToken)
    {
        try
        {
            if (plain || !console.Profile.Out.IsTerminal || !console.Profile.Capabilities.Ansi)
                await TellAsync(console, summary, facts, clock, cancellationToken);
            else
                await DrawAsync(console, summary, facts, clock, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    private static async Task TellAsync(
        IAnsiConsole console, RunSummary summary, IAsyncEnumerable<Recorded> facts, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (from, lines) = (clock.GetUtcNow(), new PlainLines(summary));
        var opening = summary.Settings is null ? null : lines.Opening();
        await foreach (var recorded in facts.WithCancellation(cancellationToken))
        {
            var taken = summary.Apply(recorded.Fact, recorded.At);
            if (recorded.At < from)
            {
                if (taken) opening = lines.Opening();
            }
            else if (taken)
            {
                if (opening is not null) Tell(recorded.At, opening);
                opening = null;
                if (lines.After(recorded.Fact, recorded.At) is { } line) Tell(recorded.At, line);
            }

            if (summary.IsFinished) return;
        }

        // Not markup, and never wrapped: a line is one line, whatever reads it.
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
            while (await Task.WhenAny(folding, redraw.WaitForNextTickAsync(CancellationToken.None).AsTask()) != folding);
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
