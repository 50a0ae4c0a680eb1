using System.CommandLine;
using RabbitMQ.Client.Exceptions;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Up;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward retry [QUEUE]</c>: sends what could not be handled to its queue again.</summary>
public static class RetryCommand
{
    public static Argument<string?> Queue { get; } = new("QUEUE") { Description = "Such as sampler or sampler_error [default: all]", Arity = ArgumentArity.ZeroOrOne };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var errorQueues = Asked(options.GetValue(Queue));
        var address = Topology.BrokerOf(RunOptions.DataFolder(options));
        try
        {
            await using var broker = await BrokerQueues.OpenAsync(address, cancellationToken);
            var all = 0;
            foreach (var queue in errorQueues)
            {
                if (await broker.FindAsync(queue, cancellationToken) is not { Ready: > 0 })
                    continue;
                var sent = await broker.SendAgainAsync(queue, cancellationToken);
                Console.WriteLine($"{queue}: {sent} sent again.");
                all += sent;
            }

            if (all == 0)
                Console.WriteLine("Nothing waits to be sent again.");
            return 0;
        }
        catch (BrokerUnreachableException e)
        {
            throw new UserException($"The broker cannot be used: {BrokerAddress.Reason(e)}", e);
        }
        catch (PublishException e) when (e.IsReturn)
        {
            throw new UserException("The queue where the messages failed is not there; they stay where they are. Start its worker, and retry then.", e);
        }
    }

    private static List<string> Asked(string? name)
    {
        string[] suffixes = [WorkQueues.ErrorSuffix, WorkQueues.SkippedSuffix];
        var all = WorkQueues.All.SelectMany(work => suffixes.Select(suffix => work.Queue + suffix)).ToList();
        var asked = name is null ? all : all.FindAll(queue => queue == name || queue.StartsWith(name + "_", StringComparison.Ordinal));
        return asked.Count > 0
            ? asked
            : throw new UserException($"'{name}' is no queue that messages fail in, expected one of {string.Join(", ", WorkQueues.All.Select(work => work.Queue))}.");
    }
}
