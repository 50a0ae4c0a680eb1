namespace SelfRewarding.Control.Http;

/// <summary>A request asks for what cannot be; the message is the sentence that says what was expected.</summary>
public sealed class RequestException(string message) : Exception(message);
