using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Http;

/// <summary>Whether the broker answers: one connection that is kept for nothing else, made anew when it was lost.</summary>
/// <param name="address">As in <c>SELFREWARD_RABBITMQ</c>.</param>
internal sealed class BrokerCheck(Uri address) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly ConnectionFactory _factory = FactoryOf(address);

    private IConnection? _connection;

    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_connection is { IsOpen: true })
                return true;
            await CloseAsync();
            _connection = await _factory.CreateConnectionAsync(cancellationToken);
            return true;
        }
        catch (BrokerUnreachableException)
        {
            return false;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _gate.Dispose();
    }

    private static ConnectionFactory FactoryOf(Uri address)
    {
        var factory = BrokerAddress.Factory(address.OriginalString);
        factory.RequestedConnectionTimeout = factory.SocketReadTimeout = factory.SocketWriteTimeout = Patience;
        factory.ClientProvidedName = "selfreward serve";
        return factory;
    }

    private async Task CloseAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
        _connection = null;
    }
}
