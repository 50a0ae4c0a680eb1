using Npgsql;
using RabbitMQ.Client.Exceptions;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Up;

/// <summary>An error queue: how many messages, and why the first of them failed, each reason with its count.</summary>
public sealed record ErrorQueue(string Queue, long Messages, IReadOnlyList<(string Reason, int Count)> Reasons);

/// <summary>What can be seen of a topology from outside: a <c>selfreward up</c> of the data folder, or servers that the environment names.</summary>
/// <param name="Up">Null where the servers are not ours.</param>
/// <param name="Database">What is wrong with the database; null where it answers.</param>
/// <param name="Broker">What is wrong with the broker; null where it answers.</param>
public sealed record Topology(UpState? Up, string? Database, string? Broker, IReadOnlyList<QueueState> Queues, IReadOnlyList<ErrorQueue> Errors)
{
    private const int LookedAt = 200;

    /// <summary>Looks at everything once.</summary>
    /// <exception cref="UserException">Nothing is up here.</exception>
    public static async Task<Topology> LookAsync(string folder, CancellationToken cancellationToken)
    {
        var up = DataFolder.FindUp(folder);
        var database = await TryAsync(async () =>
        {
            await using var source = NpgsqlDataSource.Create(Place(up, up?.Postgres, WorkerOptions.PostgresVariable, folder));
            await (await source.OpenConnectionAsync(cancellationToken)).DisposeAsync();
        });
        List<QueueState> queues = [];
        List<ErrorQueue> errors = [];
        var broker = await TryAsync(async () =>
        {
            await using var ask = await BrokerQueues.OpenAsync(BrokerOf(folder), cancellationToken);
            foreach (var (queue, _) in WorkQueues.All)
            {
                if (await ask.FindAsync(queue, cancellationToken) is { } found)
                    queues.Add(found);
                foreach (var suffix in (string[])[WorkQueues.ErrorSuffix, WorkQueues.SkippedSuffix])
                {
                    if (await ask.FindAsync(queue + suffix, cancellationToken) is { Ready: > 0 } failed)
                        errors.Add(await WhyAsync(ask, failed, cancellationToken));
                }
            }
        });
        return new Topology(up, database, broker, queues, errors);
    }

    /// <summary>The broker's address.</summary>
    /// <exception cref="UserException">Nothing is up here.</exception>
    public static string BrokerOf(string folder)
    {
        var up = DataFolder.FindUp(folder);
        return Place(up, up?.RabbitMq, WorkerOptions.RabbitMqVariable, folder);
    }

    private static string Place(UpState? up, string? ours, string variable, string folder) => up is not null && ours!.Length > 0
        ? ours
        : WorkerOptions.Given(variable) ?? throw new UserException($"Nothing is up in '{folder}': 'selfreward up' starts broker, database and workers there; --data names another folder, {variable} a server elsewhere.");

    private static async Task<ErrorQueue> WhyAsync(BrokerQueues ask, QueueState failed, CancellationToken cancellationToken)
    {
        var reasons = (await ask.LookAsync(failed.Name, LookedAt, cancellationToken)).CountBy(message => $"{message.Fact}: {message.Reason}");
        return new ErrorQueue(failed.Name, failed.Ready, [.. reasons.OrderByDescending(reason => reason.Value).Select(reason => (reason.Key, reason.Value))]);
    }

    private static async Task<string?> TryAsync(Func<Task> ask)
    {
        try
        {
            await ask();
            return null;
        }
        catch (Exception e) when (e is NpgsqlException or RabbitMQClientException or IOException)
        {
            return e is BrokerUnreachableException unreachable ? BrokerAddress.Reason(unreachable) : e.Message;
        }
    }
}
