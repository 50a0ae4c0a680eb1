namespace SelfRewarding.EventStore;

/// <summary>
/// An event as it is carried from one database to another: all of it but its place in the global order, which is each database's own.
/// </summary>
/// <param name="Stream">The stream that it belongs to.</param>
/// <param name="Version">Its place in that stream.</param>
/// <param name="Id">As <see cref="EventId"/> derives it.</param>
/// <param name="Type">The stored name.</param>
/// <param name="DotNetType"><c>Namespace.Type, Assembly</c>, or null.</param>
/// <param name="Timestamp">When it was first appended, to the microsecond.</param>
/// <param name="CorrelationId">The conversation or run that the event belongs to.</param>
/// <param name="CausationId">The event or message that caused it.</param>
/// <param name="Headers">A JSON object in UTF-8, whatever kinds of values another writer put into it; or null.</param>
/// <param name="Data">UTF-8 JSON.</param>
public sealed record EventCopy(
    string Stream,
    long Version,
    Guid Id,
    string Type,
    string? DotNetType,
    DateTimeOffset Timestamp,
    string? CorrelationId,
    string? CausationId,
    ReadOnlyMemory<byte>? Headers,
    ReadOnlyMemory<byte> Data)
{
    /// <summary>A new event at its place in its stream, to be appended among others.</summary>
    /// <param name="at">When that is; kept to the microsecond.</param>
    public static EventCopy Of(string stream, long version, NewEvent e, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(e);
        EventText.CheckStream(stream);
        EventText.Check(stream, e);
        return new EventCopy(
            stream, version, EventId.Of(stream, version), e.Type, e.DotNetType, EventAppender.ToMicroseconds(at),
            e.Metadata.CorrelationId, e.Metadata.CausationId, EventRow.HeadersToJson(e.Metadata.Headers), e.Data);
    }
}
