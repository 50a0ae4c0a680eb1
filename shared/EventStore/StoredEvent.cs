namespace SelfRewarding.EventStore;

/// <summary>An event in the log.</summary>
/// <param name="Position">Its place in the whole log (<c>seq_id</c>): ascending, with holes where a number was burnt.</param>
/// <param name="Id">Derived from stream and version, so that the same log imported elsewhere keeps its ids.</param>
/// <param name="Stream">The stream that it belongs to.</param>
/// <param name="Version">Its place in that stream: 1, 2, 3 … without holes.</param>
/// <param name="Type">The stored name.</param>
/// <param name="Data">UTF-8 JSON, as <c>jsonb</c> gives it back.</param>
/// <param name="Timestamp">When it was appended, by the writer's clock, to the microsecond.</param>
/// <param name="Metadata">What caused it, and its trace context.</param>
public sealed record StoredEvent(
    long Position,
    Guid Id,
    string Stream,
    long Version,
    string Type,
    ReadOnlyMemory<byte> Data,
    DateTimeOffset Timestamp,
    EventMetadata Metadata);
