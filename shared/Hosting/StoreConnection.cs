using System.Security.Authentication;
using Npgsql;

namespace SelfRewarding.Hosting;

/// <summary>Why there is no connection to the log's database, for a person.</summary>
public static class StoreConnection
{
    /// <summary>The failure as one sentence. Of a certificate Npgsql says only that the handshake failed, and does not tell which of its two rules was broken.</summary>
    public static string Reason(Exception failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return failure is NpgsqlException { InnerException: AuthenticationException }
            ? "its certificate is not trusted: it has to be for the Host that the connection string names, and to lead to an authority that this machine trusts or that Root Certificate names."
            : failure.Message;
    }
}
