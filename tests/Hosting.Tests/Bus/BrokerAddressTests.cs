using System.Net.Security;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class BrokerAddressTests
{
    [Theory]
    [InlineData("amqp://u:p@h:5672/", false, 5672)]
    [InlineData("rabbitmq://u:p@h/", false, 5672)]
    [InlineData("amqps://u:p@h/", true, 5671)]
    [InlineData("amqps://u:p@h:5672/", true, 5672)]
    [InlineData("rabbitmqs://u:p@h:1234/", true, 1234)]
    public void The_scheme_says_whether_it_is_TLS_and_then_the_certificate_has_to_be_for_the_name(string address, bool tls, int port)
    {
        BrokerAddress.Problem(address).ShouldBeNull();
        var factory = BrokerAddress.Factory(address);
        (factory.Ssl.Enabled, factory.Endpoint.Port).ShouldBe((tls, port));
        if (tls)
            (factory.Ssl.ServerName, factory.Ssl.AcceptablePolicyErrors).ShouldBe(("h", SslPolicyErrors.None));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("http://u:secret-word@h/")]
    [InlineData("amqp://u:secret-word:more@h/")]
    [InlineData("amqp://u:secret-word@h/a/b")]
    public void What_is_no_address_is_said_without_what_is_secret_in_it(string address) =>
        BrokerAddress.Problem(address).ShouldBe("SELFREWARD_RABBITMQ is no broker address, expected amqp://user:password@host:5672/ (amqps:// with TLS; what is special in a password as %XX).");
}
