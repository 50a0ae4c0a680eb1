using System.Globalization;
using System.Text.Json;
using MassTransit;
using MassTransit.Context;
using MassTransit.Serialization;

namespace SelfRewarding.Hosting;

/// <summary>
/// No message is larger than this: a fact has texts in it, never weights, so a larger one is a mistake or an attack, and every worker that took it would hold it in memory,
/// with all that its prefetch allows beside it. It is refused before it is sent, and before a consumer sees it; what would be refused is not recorded, since a run whose log
/// says what no worker can be told would stand still for ever.
/// </summary>
public sealed class MessageLimit : IPublishObserver
{
    /// <summary>Bytes of a message's body.</summary>
    public const int MostBytes = 16 << 20;

    // Addresses, ids, headers and who sent it: a few kB, and not the same on every machine. So that they decide nothing, this much is kept free for them.
    private const int Envelope = 64 << 10;

    /// <summary>
    /// Why a fact cannot be sent, or null where it can. It follows from the fact alone, with a broker or without one, so that a run comes to the same wherever it is done.
    /// </summary>
    public static string? Refuses(object fact)
    {
        ArgumentNullException.ThrowIfNull(fact);
        return Excess(fact.GetType().Name, Envelope + JsonSerializer.SerializeToUtf8Bytes(new Sent(fact), SystemTextJsonMessageSerializer.Options).LongLength);
    }

    /// <exception cref="MessageTooLargeException">It is larger.</exception>
    public Task PrePublish<T>(PublishContext<T> context)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(context);
        // The body is made once, here or when it is sent; how long it is, it does not say before.
        Check(typeof(T).Name, context is MessageSendContext<T> message ? message.Body.GetBytes().LongLength : context.BodyLength);
        return Task.CompletedTask;
    }

    public Task PostPublish<T>(PublishContext<T> context)
        where T : class => Task.CompletedTask;

    public Task PublishFault<T>(PublishContext<T> context, Exception exception)
        where T : class => Task.CompletedTask;

    /// <exception cref="MessageTooLargeException">It is larger.</exception>
    internal static void CheckReceived(ConsumeContext context) => Check("What was sent here", context.ReceiveContext.Body.Length);

    private static void Check(string what, long? bytes)
    {
        if (Excess(what, bytes) is { } excess)
            throw new MessageTooLargeException($"{excess}: ask for fewer or shorter texts (candidates.count, judge.count, max_new_tokens).");
    }

    private static string? Excess(string what, long? bytes) => bytes > MostBytes ? $"{what} has {MiB(bytes.Value)} MiB, more than the {MiB(MostBytes)} MiB that a message may have" : null;

    private static string MiB(long bytes) => (bytes / (double)(1 << 20)).ToString("0.#", CultureInfo.InvariantCulture);

    // As deep in the JSON as in an envelope: each line is indented.
    private sealed record Sent(object Message);
}

/// <summary>A message is larger than <see cref="MessageLimit.MostBytes"/>.</summary>
public sealed class MessageTooLargeException(string message) : Exception(message);
