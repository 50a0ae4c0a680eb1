namespace SelfRewarding.EventStore;

/// <summary>The private cluster cannot be made, started or stopped. The message is one sentence for a person.</summary>
public sealed class PrivateClusterException(string message, Exception? inner = null) : PrivateServerException(message, inner);
