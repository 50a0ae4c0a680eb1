using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// Makes every message come twice and none come in order: a queue of its own gets what workers publish, and at each turn some of it is published again, later and in
/// another order; and what waits in the workers' queues is put back in another order.
/// </summary>
/// <param name="address">The broker's, which may be away or empty at any time.</param>
internal sealed class Duplicator(string address, Random random)
{
    private const string Queue = "copies", Mark = "copy";
    private const int MostReordered = 16;

    // A confirmation that was under way when the broker was killed never comes.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private static readonly string[] _exchanges =
        [.. ((Type[])[.. WorkQueues.All.Select(queue => queue.Fact), typeof(RunStarted), typeof(ModelPublished), typeof(DatasetFrozen)]).Select(fact => $"{fact.Namespace}:{fact.Name}")];

    private readonly ConnectionFactory _factory = new() { Uri = new Uri(address), AutomaticRecoveryEnabled = false };
    private List<(string Exchange, BasicProperties Properties, byte[] Body)> _held = [];

    /// <summary>Messages that were published a second time.</summary>
    public int Copied { get; private set; }

    /// <summary>Messages that left a worker's queue and came back at another place.</summary>
    public int Reordered { get; private set; }

    /// <summary>One turn; a broker that is away is left alone.</summary>
    public async Task TurnAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        either.CancelAfter(_patience);
        try
        {
            await using var connection = await _factory.CreateConnectionAsync("duplicator", either.Token);
            await CopyAsync(connection, either.Token);
            foreach (var (queue, _) in WorkQueues.All)
                await ReorderAsync(connection, queue, either.Token);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // Killed before or in the middle: what was held is held still, and no message of a worker's has left its queue without being in it again.
        }
    }

    private async Task CopyAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await using var channel = await ConfirmedAsync(connection, cancellationToken);
        await channel.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false, cancellationToken: cancellationToken);
        foreach (var exchange in _exchanges)
        {
            await channel.ExchangeDeclareAsync(exchange, ExchangeType.Fanout, durable: true, cancellationToken: cancellationToken); // as MassTransit does
            await channel.QueueBindAsync(Queue, exchange, "", cancellationToken: cancellationToken);
        }

        while (await channel.BasicGetAsync(Queue, autoAck: true, cancellationToken) is { } message)
        {
            if (message.BasicProperties.Headers?.ContainsKey(Mark) == true)
                continue; // a copy of a copy would never end
            var properties = new BasicProperties(message.BasicProperties);
            properties.Headers = new Dictionary<string, object?>(properties.Headers ?? new Dictionary<string, object?>()) { [Mark] = 1 };
            _held.Add((message.Exchange, properties, message.Body.ToArray()));
        }

        // Half of them stay for a later turn, when the run has gone on.
        var shuffled = _held.ToArray();
        random.Shuffle(shuffled);
        _held = [.. shuffled];
        for (var most = (_held.Count + 1) / 2; most > 0; most--)
        {
            var (exchange, properties, body) = _held[^1];
            await channel.BasicPublishAsync(exchange, "", mandatory: false, properties, body, cancellationToken);
            _held.RemoveAt(_held.Count - 1);
            Copied++;
        }
    }

    // A message leaves its queue when the broker has confirmed that it is in it again.
    private async Task ReorderAsync(IConnection connection, string queue, CancellationToken cancellationToken)
    {
        await using var channel = await ConfirmedAsync(connection, cancellationToken);
        try
        {
            await channel.QueueDeclarePassiveAsync(queue, cancellationToken);
        }
        catch (OperationInterruptedException)
        {
            return; // not there yet; that costs the channel
        }

        var taken = new List<BasicGetResult>();
        while (taken.Count < MostReordered && await channel.BasicGetAsync(queue, autoAck: false, cancellationToken) is { } message)
            taken.Add(message);
        if (taken.Count < 2)
            return; // goes back when the channel closes
        for (var index = taken.Count - 1; index >= 0; index--)
        {
            await channel.BasicPublishAsync("", queue, mandatory: true, new BasicProperties(taken[index].BasicProperties), taken[index].Body, cancellationToken);
            await channel.BasicAckAsync(taken[index].DeliveryTag, multiple: false, cancellationToken);
            Reordered++;
        }
    }

    private static Task<IChannel> ConfirmedAsync(IConnection connection, CancellationToken cancellationToken) =>
        connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
}
