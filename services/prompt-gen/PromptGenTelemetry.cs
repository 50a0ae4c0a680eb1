using System.Diagnostics;
using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.PromptGen;

/// <summary>
/// The span <c>draft prompts</c> of an iteration, and the span <c>prompt</c> that each prompt's trace begins with: from its first draft until it is on the bus
/// (https://opentelemetry.io/docs/specs/otel/overview/#links-between-spans). Never a prompt's text.
/// </summary>
public static class PromptGenTelemetry
{
    private const string Name = "SelfRewarding.PromptGen";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Rejected = Meter.CreateCounter<long>("self_rewarding.draft.rejected", "{draft}", "Drafts that a filter refused, by reason");

    /// <summary>Whether prompts have spans.</summary>
    internal static bool IsTraced => Source.HasListeners();

    /// <summary>An iteration's drafting, linked to what published its model.</summary>
    internal static Activity? Begin(DraftPrompts job, ActivityContext cause) =>
        Traces.Begin(Source, "draft prompts", cause)?.SetTag("self_rewarding.run", job.Run).SetTag("self_rewarding.iteration", job.Iteration).SetTag("gen_ai.request.model", job.Model.Name);

    /// <summary>
    /// A prompt's first span, linked to the drafting of its iteration; one that is decided again goes on in the trace that it has. The span at hand stays what it is: the
    /// prompts of a block are begun together.
    /// </summary>
    internal static Activity? BeginPrompt(DraftPrompts job, int ordinal, string? recorded = null)
    {
        var drafting = Activity.Current;
        var span = Traces.Continue(Source, "prompt", recorded) ?? Traces.Begin(Source, "prompt", drafting?.Context ?? default);
        if (span is not null)
            PromptTelemetry.Name(span, job.Run, job.Iteration, ordinal);
        Activity.Current = drafting;
        return span;
    }

    /// <summary>Counts a prompt's refused drafts.</summary>
    internal static void Count(object fact)
    {
        if (!Rejected.Enabled)
            return;
        foreach (var draft in fact switch { PromptGenerated generated => generated.Rejected, PromptDiscarded discarded => discarded.Rejected, _ => [] })
            Rejected.Add(1, KeyValuePair.Create("reason", (object?)draft.Reason));
    }
}
