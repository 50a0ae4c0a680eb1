namespace SelfRewarding.Control;

/// <summary>Something that the user can put right; the message is the sentence that says how.</summary>
public sealed class UserException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A worker failed for good in the midst of a run. What was done is in the log.</summary>
public sealed class RunFailedException(string message, Exception inner) : Exception(message, inner);
