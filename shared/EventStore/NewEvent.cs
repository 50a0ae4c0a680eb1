namespace SelfRewarding.EventStore;

/// <summary>An event that is to be appended.</summary>
/// <param name="Type">The stored name (<c>prompt_generated</c>): at most 500 characters.</param>
/// <param name="DotNetType"><c>Namespace.Type, Assembly</c>, for a reader that does not know the stored name; or null.</param>
/// <param name="Data">UTF-8 JSON. It is kept as <c>jsonb</c>: what is read back has the same value, not the same bytes, and U+0000 is refused.</param>
/// <param name="Metadata">What caused the event, and its trace context.</param>
public sealed record NewEvent(string Type, string? DotNetType, ReadOnlyMemory<byte> Data, EventMetadata Metadata);
