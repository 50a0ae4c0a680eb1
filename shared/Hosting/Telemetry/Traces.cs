using System.Diagnostics;

namespace SelfRewarding.Hosting;

/// <summary>
/// Where traces begin, and how they survive a message that is lost. A prompt has one trace, from its draft to its pair: it goes through the bus in MassTransit's header and into
/// the log in <c>correlation_id</c> and <c>traceparent</c> (https://www.w3.org/TR/trace-context/). Work that lasts longer than a message may (an iteration's drafting, a model's
/// training, its evaluation, the freezing of a dataset) has a trace of its own, too. A trace links to what caused it instead of being part of it, or a run would be one trace of
/// a million spans. What is published again from the log goes on in the trace that the log names. Where nobody listens there is no span, and all of this costs nothing.
/// </summary>
public static class Traces
{
    /// <summary>Name of the activity source, and of the meter of what every worker has.</summary>
    public const string Name = "SelfRewarding.Hosting";

    private static readonly ActivitySource Source = new(Name);

    /// <summary>Begins a trace with links to its causes; null where nobody listens. It is the current span until it is disposed, and then there is none.</summary>
    public static Activity? Begin(ActivitySource source, string name, params ReadOnlySpan<ActivityContext> causes)
    {
        if (!source.HasListeners())
            return null;
        var links = new List<ActivityLink>();
        foreach (var cause in causes)
        {
            if (cause != default && links.TrueForAll(link => link.Context.SpanId != cause.SpanId))
                links.Add(new ActivityLink(cause));
        }

        Activity.Current = null;
        return source.StartActivity(name, ActivityKind.Internal, default(ActivityContext), tags: null, links);
    }

    /// <summary>
    /// A span for what is published again from the log, in the trace that recorded it; what a fork shares with another run begins a trace and links to the other's.
    /// Null where nobody listens or no trace is recorded.
    /// </summary>
    public static Activity? Resume(Recorded recorded)
    {
        var context = Of(recorded.TraceParent);
        if (context == default)
            return null;
        var span = recorded.Shared ? Begin(Source, "republish", context) : Continue(Source, "republish", recorded.TraceParent);
        return span?.SetTag("self_rewarding.fact", recorded.Fact.GetType().Name);
    }

    /// <summary>A span in the recorded trace, with a link to the one at hand; null where nobody listens or no trace is recorded.</summary>
    public static Activity? Continue(ActivitySource source, string name, string? traceParent)
    {
        if (!source.HasListeners() || Of(traceParent) is var context && context == default)
            return null;
        ActivityLink[] links = Activity.Current is { } current && current.TraceId != context.TraceId ? [new ActivityLink(current.Context)] : [];
        return source.StartActivity(name, ActivityKind.Internal, context, tags: null, links);
    }

    /// <summary>Links the span at hand to a recorded trace, unless it is part of it: a message may have come without its trace.</summary>
    public static void Link(string? traceParent)
    {
        if (Activity.Current is { } current && Of(traceParent) is var context && context != default && context.TraceId != current.TraceId)
            current.AddLink(new ActivityLink(context));
    }

    /// <summary>The context that a W3C <c>traceparent</c> names; the default where it is null or no such thing.</summary>
    public static ActivityContext Of(string? traceParent) => ActivityContext.TryParse(traceParent, null, isRemote: true, out var context) ? context : default;

    /// <summary>Marks a span as failed (https://opentelemetry.io/docs/specs/semconv/general/recording-errors/); a host that stops is no failure.</summary>
    public static void Fail(this Activity? span, Exception exception)
    {
        if (exception is OperationCanceledException)
            return;
        span?.SetTag("error.type", exception.GetType().FullName);
        span?.SetStatus(ActivityStatusCode.Error, exception.Message);
    }
}
