using System.Diagnostics;
using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;

namespace SelfRewarding.Hosting;

/// <summary>
/// How prompts come through the stages, for all workers alike. Tags have few values (https://opentelemetry.io/docs/specs/semconv/general/metrics/): which prompt it was is for
/// spans and the log to say.
/// </summary>
public static class PromptTelemetry
{
    private static readonly Meter Meter = new(Traces.Name);

    private static readonly Counter<long> Stages = Meter.CreateCounter<long>("self_rewarding.prompt.stage", "{prompt}", "Prompts that a stage was recorded of, by stage");
    private static readonly Counter<long> Discarded = Meter.CreateCounter<long>("self_rewarding.prompt.discarded", "{prompt}", "Prompts that made no pair, by reason");

    private static readonly string[] _stages = ["generated", "sampled", "judged", "settled"];

    /// <summary>Counts a stage that was just recorded. A discard settles its prompt, at whatever stage.</summary>
    public static void Count(int stage, object fact)
    {
        if (fact is PromptDiscarded discarded)
            Discarded.Add(1, KeyValuePair.Create("reason", (object?)discarded.Reason.ToString()));
        Stages.Add(1, KeyValuePair.Create("stage", (object?)_stages[(fact is PromptDiscarded ? PromptStage.Settled : stage) - 1]));
    }

    /// <summary>Names the prompt on the span at hand, and links it to the prompt's trace where its message came without.</summary>
    public static void Taken(string run, int iteration, int ordinal, PromptHistory history)
    {
        if (Activity.Current is not { } span)
            return;
        Name(span, run, iteration, ordinal);
        Traces.Link(history.TraceParent);
    }

    /// <summary>Names the prompt that a span is about, never its text.</summary>
    public static void Name(Activity span, string run, int iteration, int ordinal) =>
        span.SetTag("self_rewarding.run", run).SetTag("self_rewarding.iteration", iteration).SetTag("self_rewarding.ordinal", ordinal);
}
