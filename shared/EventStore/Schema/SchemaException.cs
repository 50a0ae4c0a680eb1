using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>The tables in a database are not what this program can work with; the message says what was found, what is expected, and what to do.</summary>
public sealed class SchemaException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The tables are missing or older, and the connection's role may not change them: their owner will.</summary>
    public bool IsForOwner => InnerException is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege };
}
