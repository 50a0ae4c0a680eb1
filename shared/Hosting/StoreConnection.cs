using System.Security.Authentication;
using Npgsql;

namespace SelfRewarding.Hosting;

/// <summary>Why there is no connection to the log's database, for a person.</summary>
public static class StoreConnection
{
    /// <summary>The failure as one sentence. Of TLS Npgsql says only that it failed; why is in what lies within, and of a certificate not even there is always said which rule it breaks.</summary>
    public static string Reason(Exception failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return failure switch
        {
            // A certificate is refused by .NET itself; a handshake fails (no common version, no common cipher …) of something that OpenSSL or the other side says.
            NpgsqlException { InnerException: AuthenticationException { InnerException: null } refusal } =>
                $"its certificate is not trusted ({refusal.Message.TrimEnd('.')}): it has to be valid today, to be for the Host that the connection string names, " +
                "and to lead to an authority that this machine trusts or that Root Certificate names.",
            NpgsqlException { InnerException: AuthenticationException handshake } => $"the TLS handshake failed: {handshake.GetBaseException().Message}",
            _ => failure.Message,
        };
    }
}
