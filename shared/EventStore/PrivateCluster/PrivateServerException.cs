namespace SelfRewarding.EventStore;

/// <summary>A server of our own cannot be made, started or stopped. The message is one sentence for a person.</summary>
public class PrivateServerException(string message, Exception? inner = null) : Exception(message, inner);
