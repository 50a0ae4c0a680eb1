namespace SelfRewarding.EventStore;

/// <summary>What is known about an event beside its data (Marten's metadata columns).</summary>
/// <param name="CorrelationId">The conversation or run that the event belongs to.</param>
/// <param name="CausationId">The event or message that caused it.</param>
/// <param name="Headers">Anything else by name, the trace context (<c>traceparent</c>, <c>tracestate</c>) for one.</param>
public sealed record EventMetadata(string? CorrelationId, string? CausationId, IReadOnlyDictionary<string, string>? Headers)
{
    /// <summary>Nothing known.</summary>
    public static EventMetadata Empty { get; } = new(null, null, null);
}
