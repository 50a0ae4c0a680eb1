using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>The private RabbitMQ node cannot be started. The message is one sentence for a person.</summary>
public sealed class PrivateBrokerException(string message, Exception? inner = null) : PrivateServerException(message, inner);
