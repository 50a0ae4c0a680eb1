using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A RabbitMQ node of the test's own, on free ports of the loopback address, in a folder that goes with it.</summary>
internal sealed class PrivateRabbitMq : IAsyncDisposable
{
    private const string Server = "/usr/sbin/rabbitmq-server";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly string _folder;

    private PrivateRabbitMq(Process process, string folder, int port)
    {
        (_process, _folder) = (process, folder);
        Address = $"amqp://guest:guest@127.0.0.1:{port}/";
    }

    public string Address { get; }

    /// <summary>The node's first process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>RabbitMQ is on this machine.</summary>
    public static bool IsInstalled => File.Exists(Server);

    /// <summary>Starts a node and waits until it speaks AMQP.</summary>
    public static async Task<PrivateRabbitMq> StartAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("selfreward-rabbitmq-").FullName;
        var (port, distribution) = (FreePort(), FreePort());
        var root = Environment.UserName == "root";
        if (root)
            (await RunAsync("chown", "rabbitmq", folder)).ShouldSucceed();
        var start = new ProcessStartInfo(root ? "setpriv" : Server) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        if (root)
        {
            foreach (var argument in (string[])["--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups", "--", "/usr/lib/rabbitmq/bin/rabbitmq-server"])
                start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["PATH"] = "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = folder,
            ["LANG"] = "C.UTF-8",
            ["RABBITMQ_NODENAME"] = $"selfreward{port}@localhost",
            ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
            ["RABBITMQ_NODE_PORT"] = $"{port}",
            ["RABBITMQ_DIST_PORT"] = $"{distribution}",
            ["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "mnesia"),
            ["RABBITMQ_LOG_BASE"] = Path.Combine(folder, "log"),
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(folder, "plugins"),
        })
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var node = new PrivateRabbitMq(process, folder, port);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        while (!await SpeaksAsync(port, patience.Token))
        {
            if (process.HasExited)
                throw new InvalidOperationException($"RabbitMQ ended with exit code {process.ExitCode}; its logs are in {folder}/log.");
            await Task.Delay(100, patience.Token);
        }

        return node;
    }

    public async ValueTask DisposeAsync()
    {
        // The server is a tree of processes: the shell script, Erlang, its helpers.
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // The listener opens before the broker is ready; it is ready when it answers the protocol header with a frame.
    private static async Task<bool> SpeaksAsync(int port, CancellationToken cancellationToken)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            await client.GetStream().WriteAsync("AMQP\0\0\u0009\u0001"u8.ToArray(), cancellationToken);
            return await client.GetStream().ReadAsync(new byte[1], cancellationToken) == 1;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}

file static class ExitCodes
{
    public static void ShouldSucceed(this int code)
    {
        if (code != 0)
            throw new InvalidOperationException($"A command ended with exit code {code}.");
    }
}
