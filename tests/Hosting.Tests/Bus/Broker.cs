using SelfRewarding.Hosting.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(Broker))]

namespace SelfRewarding.Hosting.Tests;

/// <summary>One real RabbitMQ for all tests that want one, started by the first; each has queues of its own in it.</summary>
public sealed class Broker : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hosting-tests-rabbitmq-").FullName;
    private Task<PrivateBroker>? _starting;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async Task<string> AddressAsync()
    {
        SkipIfMissing();
        lock (_folder)
            _starting ??= PrivateBroker.StartAsync(_folder);
        return (await _starting).Address;
    }

    public async ValueTask DisposeAsync()
    {
        if (_starting is not null)
            await (await _starting).DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public static void SkipIfMissing() => Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");

    /// <summary>Asks until so many messages wait in a queue.</summary>
    internal static async Task UntilAsync(BrokerQueues queues, string queue, long waiting)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        while (((await queues.FindAsync(queue, cancellationToken))?.Ready ?? 0) != waiting)
            cancellationToken.ThrowIfCancellationRequested();
    }
}
