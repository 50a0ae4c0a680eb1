using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace SelfRewarding.Hosting;

/// <summary>A queue as the broker counts it.</summary>
/// <param name="Ready">Messages that no consumer has taken.</param>
public sealed record QueueState(string Name, long Ready, long Consumers);

/// <summary>A message that could not be handled.</summary>
/// <param name="Fact">The fact's name.</param>
/// <param name="Reason">What the failure said.</param>
public sealed record FailedMessage(string Fact, string Reason);

/// <summary>Looks into a broker's queues, and sends again what failed. AMQP alone: any broker that workers can use can be asked, without a plugin.</summary>
public sealed class BrokerQueues : IAsyncDisposable
{
    private const int NotFound = 404;

    // Their text is for a person who asks why; sent again, a message is as it was before it failed.
    private static readonly string[] FaultHeaders = ["MT-Fault-", "MT-Host-", "MT-Reason"];

    private readonly IConnection _connection;

    private BrokerQueues(IConnection connection) => _connection = connection;

    /// <summary>Connects.</summary>
    /// <exception cref="BrokerUnreachableException">The broker does not answer, or refuses the password.</exception>
    public static async Task<BrokerQueues> OpenAsync(string address, CancellationToken cancellationToken) =>
        new(await BrokerAddress.Factory(address).CreateConnectionAsync("selfreward", cancellationToken));

    /// <summary>The queue, or null where there is none.</summary>
    public async Task<QueueState?> FindAsync(string queue, CancellationToken cancellationToken)
    {
        // A queue that is not there costs the channel.
        await using var channel = await _connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            var found = await channel.QueueDeclarePassiveAsync(queue, cancellationToken);
            return new QueueState(queue, found.MessageCount, found.ConsumerCount);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == NotFound)
        {
            return null;
        }
    }

    /// <summary>The first messages of an error queue; they stay in it.</summary>
    public Task<IReadOnlyList<FailedMessage>> LookAsync(string queue, int most, CancellationToken cancellationToken) => LookAsync(
        queue, most, message => new FailedMessage(FactOf(message.BasicProperties), Text(message.BasicProperties, "MT-Fault-Message") ?? "no reason is recorded"), cancellationToken);

    /// <summary>The prompts that the first messages of an error queue are of; the messages stay in it. What cannot be read, or is of no prompt, is left out.</summary>
    internal async Task<IReadOnlyList<(string Run, int Iteration, int Ordinal)>> PromptsInAsync(string queue, int most, CancellationToken cancellationToken) =>
        [.. (await LookAsync(queue, most, message => PromptOf(message.Body), cancellationToken)).OfType<(string, int, int)>()];

    private async Task<IReadOnlyList<T>> LookAsync<T>(string queue, int most, Func<BasicGetResult, T> read, CancellationToken cancellationToken)
    {
        // What is taken and not acknowledged goes back when the channel closes.
        await using var channel = await _connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var seen = new List<T>();
        while (seen.Count < most && await channel.BasicGetAsync(queue, autoAck: false, cancellationToken) is { } message)
            seen.Add(read(message));
        return seen;
    }

    // MassTransit's envelope: {"message": {"run": …, "iteration": …, "ordinal": …, …}, …}.
    private static (string Run, int Iteration, int Ordinal)? PromptOf(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<Envelope>(body.Span, JsonSerializerOptions.Web)?.Message is { Run: { } run, Iteration: { } iteration, Ordinal: { } ordinal } ? (run, iteration, ordinal) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Sends what is in an error queue now to the queue where it failed. A message leaves the error queue when the broker has confirmed that the other has it: a crash
    /// between the two doubles it, which costs nothing, and loses none.
    /// </summary>
    /// <returns>How many were sent.</returns>
    /// <exception cref="PublishException">The queue where they failed is not there; the messages stay where they are.</exception>
    public async Task<int> SendAgainAsync(string errorQueue, CancellationToken cancellationToken)
    {
        var queue = errorQueue[..errorQueue.LastIndexOf('_')];
        await using var channel = await _connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
        var waiting = (await channel.QueueDeclarePassiveAsync(errorQueue, cancellationToken)).MessageCount;
        var sent = 0;
        while (sent < waiting && await channel.BasicGetAsync(errorQueue, autoAck: false, cancellationToken) is { } message)
        {
            var properties = new BasicProperties(message.BasicProperties);
            properties.Headers = properties.Headers?.Where(header => !FaultHeaders.Any(prefix => header.Key.StartsWith(prefix, StringComparison.Ordinal))).ToDictionary();
            await channel.BasicPublishAsync("", queue, mandatory: true, properties, message.Body, cancellationToken);
            await channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancellationToken);
            sent++;
        }

        return sent;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    // "urn:message:SelfRewarding.Contracts:PromptGenerated"
    private static string FactOf(IReadOnlyBasicProperties properties)
    {
        var type = Text(properties, "MT-Fault-MessageType") ?? properties.Type ?? "";
        return type.Length == 0 ? "a message" : type[(type.LastIndexOfAny([':', '.']) + 1)..];
    }

    private static string? Text(IReadOnlyBasicProperties properties, string header) =>
        properties.Headers?.TryGetValue(header, out var value) == true ? value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : value?.ToString() : null;

    private sealed record Envelope(Name? Message);

    private sealed record Name(string? Run, int? Iteration, int? Ordinal);
}
