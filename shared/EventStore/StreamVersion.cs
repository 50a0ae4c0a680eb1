namespace SelfRewarding.EventStore;

/// <summary>A stream and the version of its last event.</summary>
public sealed record StreamVersion(string Stream, long Version);
