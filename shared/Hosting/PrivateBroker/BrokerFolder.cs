using System.Security.Cryptography;

namespace SelfRewarding.Hosting;

/// <summary>The files of a private RabbitMQ node. Nobody but its account, which owns the folder, can enter.</summary>
internal sealed record BrokerFolder(string Home)
{
    public const string Login = "selfreward";

    /// <summary>Part of what the node stores, so it never changes; unique it need not be, since nodes do not look for each other.</summary>
    public const string NodeName = "selfreward@localhost";

    /// <summary>
    /// The folder as the node calls it. It starts there, and so needs no way to it: the folders above may be closed to its account, and their names such as its scripts
    /// cannot take.
    /// </summary>
    public const string ForNode = "/proc/self/cwd";

    public const string QueuesName = "mnesia", SettingsName = "rabbitmq.conf";

    /// <summary>Messages, queues and users: without this folder the node starts as a new one.</summary>
    public string Queues => Path.Combine(Home, QueuesName);

    public string Settings => Path.Combine(Home, SettingsName);

    public string Lock => Path.Combine(Home, "node.lock");

    /// <summary>What the node writes to its console.</summary>
    public string Output => Path.Combine(Home, "node.log");

    private string PasswordFile => Path.Combine(Home, "password");

    /// <summary>The password: drawn once, since the node stores it.</summary>
    public string Password()
    {
        if (File.Exists(PasswordFile))
            return File.ReadAllText(PasswordFile).Trim();
        var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        Write(PasswordFile, password + "\n");
        return password;
    }

    /// <summary>The files of TLS.</summary>
    public IReadOnlyList<string> TlsFiles => [Path.Combine(Home, "tls.crt"), Path.Combine(Home, "tls.key")];

    /// <summary>Writes the settings of a start.</summary>
    /// <param name="tls">A second listener, and the certificate that it shows; null is none.</param>
    public void WriteSettings(int port, string password, (int Port, BrokerTls Files)? tls)
    {
        WriteSettings(port, password, tls is null ? "" : $"""
            listeners.ssl.1 = 127.0.0.1:{tls.Value.Port}
            ssl_options.cacertfile = {ForNode}/tls.crt
            ssl_options.certfile = {ForNode}/tls.crt
            ssl_options.keyfile = {ForNode}/tls.key
            ssl_options.verify = verify_none
            """);
        foreach (var (file, text) in TlsFiles.Zip([tls?.Files.Certificate, tls?.Files.Key]))
        {
            if (text is not null)
                Write(file, text);
        }
    }

    private void WriteSettings(int port, string password, string more) => Write(Settings, $"""
        # Made anew at every start.
        listeners.tcp.1 = 127.0.0.1:{port}
        default_user = {Login}
        default_pass = {password}
        consumer_timeout = {PrivateBroker.TakesBackAfter.TotalMilliseconds:F0}
        log.console = true
        log.console.level = warning
        log.file = false
        {more}

        """);

    // Whole or not at all, and at no moment open to others.
    private static void Write(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var unfinished = path + ".new";
        using (var writer = new StreamWriter(unfinished, options))
            writer.Write(text);
        File.Move(unfinished, path, overwrite: true);
    }
}

/// <summary>What a node shows who connects with TLS.</summary>
/// <param name="Certificate">PEM.</param>
/// <param name="Key">PEM.</param>
internal sealed record BrokerTls(string Certificate, string Key);
