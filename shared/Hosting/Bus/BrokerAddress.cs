using System.Net.Security;
using System.Security.Authentication;
using MassTransit;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace SelfRewarding.Hosting;

/// <summary>The broker's address as both clients use it and as people may see it, and whether it can be used. With <c>amqps</c> the connection is TLS, on any port.</summary>
public static class BrokerAddress
{
    private const string MassTransitScheme = "rabbitmq";
    private const int AccessRefused = 403, NotAllowed = 530;

    /// <summary>What is wrong with an address, as one sentence without what is secret in it; null where nothing is.</summary>
    public static string? Problem(string address)
    {
        const string NoAddress = "SELFREWARD_RABBITMQ is no broker address, expected amqp://user:password@host:5672/ (amqps:// with TLS; what is special in a password as %XX).";
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps" or "rabbitmq" or "rabbitmqs"))
            return NoAddress;
        try
        {
            Factory(address);
            return null;
        }
        catch (ArgumentException)
        {
            // Its message has the password in it.
            return NoAddress;
        }
    }

    /// <summary>For RabbitMQ.Client, which knows fewer names of the protocol than MassTransit.</summary>
    public static ConnectionFactory Factory(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var factory = new ConnectionFactory { Uri = new Uri(address.StartsWith(MassTransitScheme, StringComparison.Ordinal) ? "amqp" + address[MassTransitScheme.Length..] : address), AutomaticRecoveryEnabled = false };
        if (!factory.Ssl.Enabled)
            return factory;
        // By itself the client would take a certificate for any name.
        factory.Ssl.AcceptablePolicyErrors = SslPolicyErrors.None;
        factory.Ssl.Version = SslProtocols.None; // what the system holds to be safe
        factory.Ssl.CertificateValidationCallback = BrokerCertificate.CheckFor(factory.HostName, factory.Endpoint.Port);
        return factory;
    }

    /// <summary>For MassTransit, which by itself would take TLS to be a matter of the port, and a certificate of any authority.</summary>
    internal static void UseBroker(this IRabbitMqBusFactoryConfigurator transport, string address)
    {
        var factory = Factory(address);
        transport.Host(factory.HostName, (ushort)factory.Endpoint.Port, factory.VirtualHost, host =>
        {
            host.Username(factory.UserName);
            host.Password(factory.Password);
            if (factory.Ssl.Enabled)
            {
                host.UseSsl(tls =>
                {
                    tls.ServerName = factory.Ssl.ServerName;
                    tls.Protocol = factory.Ssl.Version;
                    tls.EnforcePolicyErrors(SslPolicyErrors.RemoteCertificateChainErrors | SslPolicyErrors.RemoteCertificateNameMismatch | SslPolicyErrors.RemoteCertificateNotAvailable);
                    tls.CertificateValidationCallback = factory.Ssl.CertificateValidationCallback;
                });
            }
        });
    }

    /// <summary>Why there is no connection, for a person.</summary>
    public static string Reason(BrokerUnreachableException failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return Causes(failure).OfType<AuthenticationException>().FirstOrDefault()?.Message ?? (failure.InnerException ?? failure).Message;
    }

    /// <summary>Waits until the broker answers, saying so.</summary>
    /// <exception cref="WorkerOptionsException">It answers and refuses, or is not to be trusted: waiting would not help.</exception>
    internal static async Task WaitAsync(string address, ILogger logger, CancellationToken cancellationToken)
    {
        var factory = Factory(address);
        for (var failures = 1; ; failures++)
        {
            try
            {
                await (await factory.CreateConnectionAsync("selfreward", cancellationToken)).DisposeAsync();
                return;
            }
            catch (BrokerUnreachableException e) when (Causes(e).OfType<BrokerCertificateException>().FirstOrDefault() is { } untrusted)
            {
                throw new WorkerOptionsException(untrusted.Message);
            }
            catch (BrokerUnreachableException e) when (Refusal(e) is { } refusal)
            {
                throw new WorkerOptionsException($"The broker at {factory.Endpoint.HostName}:{factory.Endpoint.Port} (SELFREWARD_RABBITMQ) refuses user '{factory.UserName}': {refusal}.");
            }
            catch (BrokerUnreachableException e)
            {
                logger.WaitingForBroker($"{factory.Endpoint.HostName}:{factory.Endpoint.Port}", Reason(e));
                await Task.Delay(Pauses.After(failures), cancellationToken);
            }
        }
    }

    private static IEnumerable<Exception> Causes(Exception failure) => failure switch
    {
        AggregateException all => all.InnerExceptions.SelectMany(Causes).Prepend(all),
        { InnerException: { } inner } => Causes(inner).Prepend(failure),
        _ => [failure],
    };

    private static string? Refusal(BrokerUnreachableException failure) => failure.InnerException switch
    {
        AuthenticationFailureException or PossibleAuthenticationFailureException => "wrong name or password",
        OperationInterruptedException { ShutdownReason.ReplyCode: AccessRefused } => "wrong name or password",
        OperationInterruptedException { ShutdownReason.ReplyCode: NotAllowed } e => e.ShutdownReason!.ReplyText,
        _ => null,
    };
}
