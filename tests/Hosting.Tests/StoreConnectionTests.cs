using System.Security.Authentication;
using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class StoreConnectionTests
{
    [Fact]
    public void A_certificate_that_is_refused_is_said_with_the_rules_and_with_what_is_known()
    {
        var reason = ReasonOf(new AuthenticationException("The remote certificate is invalid because of errors in the certificate chain: NotTimeValid"));
        reason.ShouldStartWith("its certificate is not trusted (The remote certificate is invalid because of errors in the certificate chain: NotTimeValid): it has to be valid today, ");
    }

    [Fact]
    public void A_handshake_that_fails_of_something_else_is_said_to_and_nothing_is_said_of_certificates()
    {
        var reason = ReasonOf(new AuthenticationException("Authentication failed, see inner exception.", new IOException("SSL handshake failed.", new IOException("tlsv1 alert protocol version"))));
        reason.ShouldBe("the TLS handshake failed: tlsv1 alert protocol version");
    }

    [Fact]
    public void What_is_no_matter_of_TLS_is_said_as_it_is() => StoreConnection.Reason(new NpgsqlException("Failed to connect to 127.0.0.1:1")).ShouldBe("Failed to connect to 127.0.0.1:1");

    private static string ReasonOf(AuthenticationException inner) => StoreConnection.Reason(new NpgsqlException("Exception while performing SSL handshake", inner));
}
