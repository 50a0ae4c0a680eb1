using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace SelfRewarding.Hosting;

/// <summary>The broker's address as people may see it, and whether it can be used.</summary>
internal static class BrokerAddress
{
    private const string MassTransitScheme = "rabbitmq";
    private const int AccessRefused = 403, NotAllowed = 530;

    /// <summary>For RabbitMQ.Client, which knows fewer names of the protocol than MassTransit.</summary>
    public static ConnectionFactory Factory(string address) =>
        new() { Uri = new Uri(address.StartsWith(MassTransitScheme, StringComparison.Ordinal) ? "amqp" + address[MassTransitScheme.Length..] : address), AutomaticRecoveryEnabled = false };

    /// <summary>Waits until the broker answers, saying so.</summary>
    /// <exception cref="WorkerOptionsException">It answers and refuses: waiting would not help.</exception>
    public static async Task WaitAsync(string address, ILogger logger, CancellationToken cancellationToken)
    {
        var factory = Factory(address);
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = TimeSpan.FromSeconds(Math.Min(10, pause.TotalSeconds * 2)))
        {
            try
            {
                await (await factory.CreateConnectionAsync("selfreward", cancellationToken)).DisposeAsync();
                return;
            }
            catch (BrokerUnreachableException e) when (Refusal(e) is { } refusal)
            {
                throw new WorkerOptionsException($"The broker at {factory.Endpoint.HostName}:{factory.Endpoint.Port} (SELFREWARD_RABBITMQ) refuses user '{factory.UserName}': {refusal}.");
            }
            catch (BrokerUnreachableException e)
            {
                logger.WaitingForBroker($"{factory.Endpoint.HostName}:{factory.Endpoint.Port}", (e.InnerException ?? e).Message);
                await Task.Delay(pause, cancellationToken);
            }
        }
    }

    private static string? Refusal(BrokerUnreachableException failure) => failure.InnerException switch
    {
        AuthenticationFailureException or PossibleAuthenticationFailureException => "wrong name or password",
        OperationInterruptedException { ShutdownReason.ReplyCode: AccessRefused } => "wrong name or password",
        OperationInterruptedException { ShutdownReason.ReplyCode: NotAllowed } e => e.ShutdownReason!.ReplyText,
        _ => null,
    };
}
