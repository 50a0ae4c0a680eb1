using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace SelfRewarding.Hosting;

/// <summary>
/// Whether the certificate of a broker is to be believed: it has to be for the name in the address, and to lead to an authority that this machine trusts. The clients'
/// own defaults let one or the other pass. An authority of one's own is named in <c>SSL_CERT_FILE</c>, which the runtime reads
/// (https://learn.microsoft.com/dotnet/standard/security/cross-platform-cryptography).
/// </summary>
internal static class BrokerCertificate
{
    /// <summary>For <see cref="SslStream"/>. What is refused is thrown, so that it can be told from a broker that is away.</summary>
    public static RemoteCertificateValidationCallback CheckFor(string host, int port) => (_, certificate, chain, errors) =>
        errors == SslPolicyErrors.None ? true : throw new BrokerCertificateException($"The broker at {host}:{port} (SELFREWARD_RABBITMQ) is not trusted: {Why(host, certificate, chain, errors)}");

    private static string Why(string host, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate is null ? "it shows no certificate."
        : errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)
            ? $"its certificate does not hold or does not lead to an authority that this machine trusts ({string.Join(", ", chain?.ChainStatus.Select(status => status.Status) ?? [])}): name a file with the authority's certificate in SSL_CERT_FILE."
        : $"its certificate is for '{string.Join("', '", NamesIn(certificate))}', not for '{host}': put a name into the address that it is for.";

    private static List<string> NamesIn(X509Certificate certificate)
    {
        using var copy = new X509Certificate2(certificate);
        var names = copy.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension => extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString()))).ToList();
        return names.Count > 0 ? names : [copy.GetNameInfo(X509NameType.SimpleName, forIssuer: false)];
    }
}

/// <summary>A broker's certificate is refused. The message is one sentence for a person.</summary>
public sealed class BrokerCertificateException(string message) : AuthenticationException(message);
