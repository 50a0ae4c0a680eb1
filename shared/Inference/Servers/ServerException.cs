namespace SelfRewarding.Inference;

/// <summary>A server gave no answer, and may give one later: the kind of failure that every worker tries again.</summary>
/// <param name="message">One sentence: which server, by which setting, and what it did.</param>
/// <param name="kind">What it did, in a word: the status, or <c>timeout</c>, <c>unreachable</c>, <c>broken_off</c>, <c>garbage</c>.</param>
/// <param name="retryAfter">How long it asks to be left alone; null where it says nothing.</param>
/// <param name="inner">What the connection failed with.</param>
public sealed class ServerUnavailableException(string message, string kind, TimeSpan? retryAfter = null, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>What it did, in a word.</summary>
    public string Kind => kind;

    /// <summary>How long it asks to be left alone.</summary>
    public TimeSpan? RetryAfter => retryAfter;
}

/// <summary>A server refused what was asked, or cannot be asked at all: asking again would not help, somebody has to change something.</summary>
/// <param name="message">One sentence: which server, by which setting, what it said, and what to do.</param>
/// <param name="kind">What it did, in a word: the status, or <c>no_key</c>.</param>
public sealed class ServerRefusedException(string message, string kind = "no_key") : Exception(message)
{
    /// <summary>What it did, in a word.</summary>
    public string Kind => kind;
}
