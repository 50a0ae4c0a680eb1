namespace SelfRewarding.Control;

/// <summary>Something that the user can put right; the message is the sentence that says how.</summary>
public sealed class UserException(string message, Exception? inner = null) : Exception(message, inner);
