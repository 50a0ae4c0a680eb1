using System.Net;
using Microsoft.AspNetCore.Http;

namespace SelfRewarding.Control.Http;

/// <summary>Where the server listens, and what whoever asks must know.</summary>
/// <param name="Urls">As Kestrel takes them.</param>
/// <param name="Hosts">The names by which a browser on this machine may call a server that only this machine reaches; empty where others reach it.</param>
/// <param name="Token">What every request must bear; null where none is asked for.</param>
public sealed record ServeOptions(IReadOnlyList<string> Urls, IReadOnlyList<string> Hosts, string? Token)
{
    /// <summary>The environment variable that has the token: the command line is open to every user of the machine.</summary>
    public const string TokenVariable = "SELFREWARD_TOKEN";

    private const int ShortestToken = 16;
    private static readonly string[] LocalNames = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>Reads the addresses to listen on.</summary>
    /// <param name="urls">As typed, with ';' between several.</param>
    /// <param name="token">The token, or null.</param>
    /// <exception cref="UserException">An address is none, or other machines could ask without a token.</exception>
    public static ServeOptions From(string urls, string? token)
    {
        token = string.IsNullOrWhiteSpace(token) ? null : token.Trim();
        var addresses = urls.Split([';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(url => (Url: url, Address: Parse(url))).ToList();
        if (addresses.Count == 0)
            throw new UserException("--urls is empty, expected an address such as http://127.0.0.1:8080.");
        if (token is { Length: < ShortestToken })
            throw new UserException($"{TokenVariable} has {token.Length} characters, expected at least {ShortestToken} that nobody can guess ('openssl rand -hex 32' makes such).");
        var reachable = addresses.Where(entry => !IsLoopback(entry.Address.Host)).Select(entry => entry.Url).FirstOrDefault();
        if (reachable is not null && token is null)
            throw new UserException($"--urls {reachable} can be reached from other machines and {TokenVariable} is not set: set it to a secret ('openssl rand -hex 32' makes one), or listen on this machine only (http://127.0.0.1:8080).");
        return new ServeOptions([.. addresses.Select(entry => entry.Url)], reachable is null ? [.. LocalNames.Union(addresses.Select(entry => entry.Address.Host))] : [], token);
    }

    private static BindingAddress Parse(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            if (address.Scheme == "http" && !address.IsUnixPipe && !address.IsNamedPipe && address.PathBase.Length == 0)
                return address;
        }
        catch (FormatException)
        {
        }

        throw new UserException($"--urls '{url}' is no address to listen on, expected http://HOST:PORT such as http://127.0.0.1:8080 (TLS and paths are for a proxy before it).");
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
