using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Text;
using RabbitMQ.Client;
using SelfRewarding.EventStore;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class PrivateBrokerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("private-broker-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_node_that_is_killed_starts_again_with_its_queues_and_without_its_disk_starts_empty()
    {
        Broker.SkipIfMissing();
        await using (var first = await PrivateBroker.StartAsync(_folder, Token))
            await PublishAsync(first.Address, "kept");
        await using var node = await PrivateBroker.StartAsync(_folder, Token);
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Where(listener => node.Endpoint.EndsWith($":{listener.Port}", StringComparison.Ordinal))
            .ShouldAllBe(listener => IPAddress.IsLoopback(listener.Address));

        await KillAsync(node);
        await node.StartAgainAsync(Token);
        await using (var queues = await BrokerQueues.OpenAsync(node.Address, Token))
            await Broker.UntilAsync(queues, "kept", 1); // a queue that has no leader yet counts none

        await KillAsync(node);
        Directory.Delete(Path.Combine(_folder, "mnesia"), recursive: true);
        await node.StartAgainAsync(Token);
        (await WaitingAsync(node.Address, "kept")).ShouldBeNull();
    }

    [Fact]
    public async Task A_new_node_that_is_killed_at_once_comes_back_usable()
    {
        Broker.SkipIfMissing();
        await using var node = await PrivateBroker.StartAsync(_folder, Token);
        await PublishAsync(node.Address, "new");

        await KillAsync(node);
        await node.StartAgainAsync(Token);

        await PublishAsync(node.Address, "new");
        await using var queues = await BrokerQueues.OpenAsync(node.Address, Token);
        await Broker.UntilAsync(queues, "new", 1);
    }

    [Fact]
    public async Task A_folder_that_its_scripts_cannot_take_is_refused()
    {
        Broker.SkipIfMissing();
        var refusal = await Should.ThrowAsync<PrivateServerException>(() => PrivateBroker.StartAsync(Path.Combine(_folder, "a b"), Token));
        refusal.Message.ShouldContain($"{_folder}/a b");
        refusal.Message.ShouldContain("--data");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task KillAsync(PrivateBroker node)
    {
        Process.GetProcessById(node.ProcessId).Kill();
        (await node.Ended).ShouldBe(128 + 9);
    }

    private static async Task PublishAsync(string address, string queue)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(address) }.CreateConnectionAsync(Token);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), Token);
        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: Token);
        await channel.BasicPublishAsync("", queue, mandatory: true, new BasicProperties { Persistent = true }, Encoding.UTF8.GetBytes("work"), Token);
    }

    private static async Task<long?> WaitingAsync(string address, string queue)
    {
        await using var queues = await BrokerQueues.OpenAsync(address, Token);
        return (await queues.FindAsync(queue, Token))?.Ready;
    }
}
