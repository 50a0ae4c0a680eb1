namespace SelfRewarding.EventStore;

/// <summary>The tables in a database are not what this program can work with; the message says what was found, what is expected, and what to do.</summary>
public sealed class SchemaException(string message, Exception? inner = null) : Exception(message, inner);
