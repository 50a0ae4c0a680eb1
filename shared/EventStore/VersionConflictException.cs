namespace SelfRewarding.EventStore;

/// <summary>The stream is not at the version that the writer expected: another writer came first, or events are missing before this one.</summary>
public sealed class VersionConflictException(string stream, long expected, long actual)
    : Exception($"Stream '{stream}' is at version {actual}, expected {expected}. Read the stream again and decide anew.")
{
    /// <summary>The stream that was to be appended to.</summary>
    public string Stream { get; } = stream;

    /// <summary>The version that the writer expected; 0 for a new stream.</summary>
    public long Expected { get; } = expected;

    /// <summary>The version that the stream has.</summary>
    public long Actual { get; } = actual;
}
