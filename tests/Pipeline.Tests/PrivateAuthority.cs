using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SelfRewarding.Hosting;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>An authority that nobody knows who is not told.</summary>
internal sealed class PrivateAuthority : IDisposable
{
    private readonly X509Certificate2 _certificate = Make();

    /// <summary>PEM.</summary>
    public string Certificate => _certificate.ExportCertificatePem();

    /// <summary>A server's certificate for a name, with its key; half a day from now it is no longer valid, or when it is said.</summary>
    // Erlang reads RSA keys of PKCS#1.
    public BrokerTls Certify(string name, DateTimeOffset? until = null)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false)); // a server's
        using var certificate = request.Create(_certificate, _certificate.NotBefore, until ?? DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(8));
        return new BrokerTls(certificate.ExportCertificatePem() + "\n", key.ExportRSAPrivateKeyPem() + "\n");
    }

    public void Dispose() => _certificate.Dispose();

    private static X509Certificate2 Make()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=Authority of the tests", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
