using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// A RabbitMQ node of our own: on free ports of the loopback address, with a password that nobody chose, its queues in a folder that it keeps from one start to the next.
/// It ends with the process that started it, however that ends.
/// </summary>
public sealed class PrivateBroker : IAsyncDisposable
{
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    private const string User = "rabbitmq";

    private static readonly TimeSpan _retryDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(3);

    // Workers find a broker that was away within half a minute, and declare their queues.
    private static readonly TimeSpan _settled = TimeSpan.FromMinutes(1);

    private readonly BrokerFolder _folder;
    private readonly ServerAccount _account;
    private readonly int _port, _distributionPort;
    private TetheredProcess? _node;
    private bool _beganEmpty;
    private long _readyAt;

    private PrivateBroker(BrokerFolder folder, ServerAccount account, string password)
    {
        (_folder, _account) = (folder, account);
        (_port, _distributionPort, TlsPort) = (FreePort(), FreePort(), FreePort());
        Address = $"amqp://{BrokerFolder.Login}:{password}@127.0.0.1:{_port}/";
    }

    /// <summary>Whether RabbitMQ is on this machine.</summary>
    public static bool IsInstalled => File.Exists(Server);

    /// <summary>
    /// After how long the node gives a message to somebody else that a worker took and has not done (its <c>consumer_timeout</c>; RabbitMQ's own is half an hour). A message of the judge's queue is all of a prompt's
    /// judgements, which a large model on a small machine is at for long; and it is also how long a worker that hangs for good keeps its prompts.
    /// </summary>
    public static TimeSpan TakesBackAfter { get; } = TimeSpan.FromHours(2);

    /// <summary>For MassTransit and RabbitMQ.Client; it has the password in it. A node that is started again keeps it.</summary>
    public string Address { get; }

    /// <summary>Host and port, for people.</summary>
    public string Endpoint => $"127.0.0.1:{_port}";

    /// <summary>Where it listens for TLS, if it does.</summary>
    internal int TlsPort { get; }

    /// <summary>The node's process.</summary>
    public int ProcessId => _node!.Id;

    /// <summary>The node's exit code, once it has ended.</summary>
    public Task<int> Ended => _node!.Ended;

    /// <summary>Starts a node, makes its folder if it is missing, and waits until it speaks AMQP.</summary>
    /// <param name="folder">A folder for the node alone. Without <c>mnesia</c> in it the broker starts empty.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="PrivateServerException">It cannot be started; the message says why, and what to do.</exception>
    public static Task<PrivateBroker> StartAsync(string folder, CancellationToken cancellationToken = default) => StartAsync(folder, null, cancellationToken);

    /// <summary>As the other, with a listener for TLS beside the plain one.</summary>
    internal static async Task<PrivateBroker> StartAsync(string folder, BrokerTls? tls, CancellationToken cancellationToken)
    {
        var home = Path.GetFullPath(folder);
        if (!IsInstalled)
            throw new PrivateBrokerException("RabbitMQ is not installed: run 'apt-get install --no-install-recommends rabbitmq-server'.");
        try
        {
            var account = await ServerAccount.ForFolderAsync("RabbitMQ", User, home, cancellationToken);
            var files = new BrokerFolder(home);
            var password = files.Password();
            var broker = new PrivateBroker(files, account, password);
            files.WriteSettings(broker._port, password, tls is null ? null : (broker.TlsPort, tls));
            await account.GiveAsync(files.Settings, cancellationToken);
            foreach (var file in tls is null ? [] : files.TlsFiles)
                await account.GiveAsync(file, cancellationToken);
            await broker.StartAgainAsync(cancellationToken);
            return broker;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PrivateBrokerException($"The private RabbitMQ node in '{home}' cannot be started: {e.Message}", e);
        }
    }

    /// <summary>
    /// Starts the node again after it has ended, at the same address, with the queues that its folder still holds. A node that began empty and was killed soon after begins
    /// empty again.
    /// </summary>
    /// <exception cref="PrivateBrokerException">It cannot be started.</exception>
    public async Task StartAgainAsync(CancellationToken cancellationToken = default)
    {
        if (_node is not null)
            await _node.DisposeAsync();
        // RabbitMQ writes down which quorum queues it has a moment after they were declared. Killed before, it comes back with queues that nobody can use, for ever; what
        // was in them is outstanding in the log.
        if (_node is not null && _beganEmpty && Stopwatch.GetElapsedTime(_readyAt) < _settled && Directory.Exists(_folder.Queues))
            Directory.Delete(_folder.Queues, recursive: true);
        _beganEmpty = !Directory.Exists(_folder.Queues);
        _node = await TetheredProcess.StartAsync(Plan(), cancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_patience);
        try
        {
            while (!await SpeaksAsync(patience.Token))
            {
                if (_node.Ended.IsCompleted)
                    throw new PrivateBrokerException($"The private RabbitMQ node in '{_folder.Home}' ended with exit code {await _node.Ended} while it started: see {_folder.Output}.");
                await Task.Delay(_retryDelay, patience.Token);
            }

            _readyAt = Stopwatch.GetTimestamp();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await _node.DisposeAsync();
            throw new PrivateBrokerException($"The private RabbitMQ node in '{_folder.Home}' did not answer within {_patience.TotalMinutes} minutes: see {_folder.Output}.");
        }
        catch
        {
            await _node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops the node; its queues stay in the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
    }

    // The node is reached by port alone, so that no name service of Erlang's (epmd: one for the whole machine, open to the network, never ended) is started or asked.
    private ProcessPlan Plan() => new([.. _account.Prefix, Server], _folder.Output)
    {
        // Until all processes of a node that was here before have ended, its files are not ours to open.
        LockFile = _folder.Lock,
        Folder = _folder.Home,
        CleanEnvironment = true,
        Environment = new Dictionary<string, string?>
        {
            ["PATH"] = "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = BrokerFolder.ForNode, // the cookie's place
            ["LANG"] = "C.UTF-8",
            ["RUNNING_UNDER_SYSTEMD"] = "true", // the script becomes the node, instead of waiting beside it
            ["RABBITMQ_NODENAME"] = BrokerFolder.NodeName,
            ["RABBITMQ_DIST_PORT"] = $"{_distributionPort}",
            ["RABBITMQ_MNESIA_BASE"] = $"{BrokerFolder.ForNode}/{BrokerFolder.QueuesName}",
            ["RABBITMQ_LOG_BASE"] = $"{BrokerFolder.ForNode}/log",
            ["RABBITMQ_CONFIG_FILE"] = $"{BrokerFolder.ForNode}/{BrokerFolder.SettingsName}",
            ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null", // not the machine's own
            ["RABBITMQ_ENABLED_PLUGINS_FILE"] = $"{BrokerFolder.ForNode}/plugins", // none
            // Schedulers that find nothing to do sleep at once: the models want the cores.
            ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
                $"-sname {BrokerFolder.NodeName} -start_epmd false -erl_epmd_port {_distributionPort} -kernel inet_dist_use_interface {{127,0,0,1}} +sbwt none +sbwtdcpu none +sbwtdio none",
        },
    };

    // The listener opens before the broker is ready; it is ready when it answers the protocol header with a frame.
    private async Task<bool> SpeaksAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _port, cancellationToken);
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
}
