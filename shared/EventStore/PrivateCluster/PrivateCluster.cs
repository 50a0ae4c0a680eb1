using System.Buffers;
using System.Text;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// A PostgreSQL cluster of our own: made with <c>initdb</c> in a folder that holds nothing else, reached only through a Unix socket that only its user can open,
/// stopped when disposed. Other programs may use it at the same time: the first one is its owner, the others (see <see cref="IsOwner"/>) leave it running.
/// </summary>
public sealed class PrivateCluster : IAsyncDisposable
{
    private const string Superuser = "postgres";
    private const int Port = 5432;

    // A socket's path has at most 107 bytes, and PostgreSQL adds "/.s.PGSQL.5432.lock" to the folder.
    private const int LongestSocketFolder = 85;
    private static readonly SearchValues<char> _separators = SearchValues.Create(",:;\"'");
    private const int WouldBlock = 11;

    private static readonly TimeSpan _retryDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    // A small store beside a model that wants the memory. Everything that durability hangs on keeps its strict default.
    private static readonly string[] _settings =
    [
        "listen_addresses=", $"port={Port}", "unix_socket_permissions=0700", "max_connections=400", "shared_buffers=64MB", "wal_level=minimal", "max_wal_senders=0",
        "max_wal_size=512MB", "synchronous_commit=on", "fsync=on", "full_page_writes=on", "jit=off", "huge_pages=off", "logging_collector=off", "log_checkpoints=off",
        "cluster_name=selfreward",
    ];

    private readonly string _home;
    private readonly PostgresBinaries? _binaries;
    private readonly ServerAccount? _account;
    private readonly string _socketFolder;
    private FileStream? _ownership;

    private PrivateCluster(string home, string socketFolder, PostgresBinaries? binaries, ServerAccount? account, FileStream? ownership)
    {
        _home = home;
        _binaries = binaries;
        _account = account;
        _ownership = ownership;
        _socketFolder = socketFolder;
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = socketFolder,
            Port = Port,
            Username = Superuser,
            Database = "postgres",
            MaxPoolSize = 80,
        }.ConnectionString;
    }

    /// <summary>For Npgsql.</summary>
    public string ConnectionString { get; }

    /// <summary>This object stops the server when disposed. False where another program has the cluster already, and keeps it.</summary>
    public bool IsOwner => _ownership is not null;

    /// <summary>The server's process, or null while none runs.</summary>
    public int? ProcessId => Postmaster.Find(DataDirectory)?.ProcessId;

    private string DataDirectory => DataDirectoryOf(_home);

    /// <summary>
    /// Makes the cluster if the folder has none, starts it if it is not running (it runs on when its program is killed, and is then taken over), and waits until it
    /// accepts connections.
    /// </summary>
    /// <param name="dataFolder">A folder for the cluster alone; made if missing.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="PrivateClusterException">It cannot be made or started; the message says why, and what to do.</exception>
    public static async Task<PrivateCluster> StartAsync(string dataFolder, CancellationToken cancellationToken = default)
    {
        var home = Path.GetFullPath(dataFolder);
        try
        {
            return await OwnOrJoinAsync(home, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PrivateClusterException($"The private PostgreSQL cluster in '{home}' cannot be started: {e.Message}", e);
        }
    }

    /// <summary>Whether the folder's cluster runs and accepts connections, whoever started it.</summary>
    /// <param name="dataFolder">The cluster's folder.</param>
    public static bool IsRunning(string dataFolder) => Postmaster.Find(DataDirectoryOf(Path.GetFullPath(dataFolder))) is { IsReady: true };

    /// <summary>Starts the server again where it has ended, at the same address: whoever waits for it finds it there.</summary>
    /// <exception cref="PrivateClusterException">It cannot be started; or another program has it, which should.</exception>
    public async Task EnsureRunningAsync(CancellationToken cancellationToken = default)
    {
        if (_ownership is null)
            throw new PrivateClusterException($"The private PostgreSQL cluster in '{_home}' is another program's to start.");
        var running = Postmaster.Find(DataDirectory) ?? await RunAsync(_home, _socketFolder, _binaries!, _account!, cancellationToken);
        await ReadyAsync(_home, running, cancellationToken);
    }

    /// <summary>
    /// Binds the server's life to this process: when this one ends without having stopped it, even by SIGKILL, the server is told to stop. Without this it runs on, and
    /// the next to use the cluster takes it over.
    /// </summary>
    public void EndWithThisProcess() => Leash.Hold(Postmaster.PidFile(DataDirectory));

    /// <summary>Stops the cluster if this object is its owner: running transactions are rolled back, everything committed is kept.</summary>
    /// <exception cref="PrivateClusterException">It does not stop.</exception>
    public async ValueTask DisposeAsync()
    {
        if (_ownership is null)
            return;
        await using var ownership = _ownership;
        _ownership = null;
        if (Postmaster.Find(DataDirectory) is not null)
        {
            var stop = await _account!.RunAsync([_binaries!.PgCtl, "stop", "-D", DataDirectory, "-m", "fast", "-w", "-t", "60"], CancellationToken.None);
            if (stop.ExitCode != 0 && Postmaster.Find(DataDirectory) is not null)
                throw new PrivateClusterException($"The private PostgreSQL cluster in '{_home}' does not stop: {stop.LastLine}");
        }

        RemoveTemporary(_socketFolder, _home);
    }

    private static string DataDirectoryOf(string home) => Path.Combine(home, "pgdata");

    private static string LogOf(string home) => Path.Combine(home, "server.log");

    private static async Task<PrivateCluster> OwnOrJoinAsync(string home, CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; ; waited += _retryDelay)
        {
            Directory.CreateDirectory(home);
            if (TryOwn(home) is { } ownership)
            {
                try
                {
                    return await StartOwnedAsync(home, ownership, cancellationToken);
                }
                catch
                {
                    await ownership.DisposeAsync();
                    throw;
                }
            }

            if (Postmaster.Find(DataDirectoryOf(home)) is { IsReady: true } running)
                return new PrivateCluster(home, running.SocketFolder, null, null, null);
            if (waited > _patience)
                throw new PrivateClusterException($"Another program has the cluster in '{home}', and does not start it: end it, or choose another folder with --data.");
            await Task.Delay(_retryDelay, cancellationToken);
        }
    }

    // flock: it ends with the process, however that ends.
    private static FileStream? TryOwn(string home)
    {
        try
        {
            return new FileStream(Path.Combine(home, "owner.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
    }

    private static async Task<PrivateCluster> StartOwnedAsync(string home, FileStream ownership, CancellationToken cancellationToken)
    {
        var account = await ServerAccount.ForFolderAsync("PostgreSQL", Superuser, home, cancellationToken);
        var versionFile = Path.Combine(DataDirectoryOf(home), "PG_VERSION");
        var binaries = PostgresBinaries.Find(File.Exists(versionFile) ? (await File.ReadAllTextAsync(versionFile, cancellationToken)).Trim() : null);
        if (!File.Exists(versionFile))
            await MakeAsync(home, binaries, account, cancellationToken);

        var running = Postmaster.Find(DataDirectoryOf(home)) ?? await RunAsync(home, null, binaries, account, cancellationToken);
        running = await ReadyAsync(home, running, cancellationToken);
        return new PrivateCluster(home, running.SocketFolder, binaries, account, ownership);
    }

    private static async Task<Postmaster> ReadyAsync(string home, Postmaster running, CancellationToken cancellationToken)
    {
        while (!running.IsReady)
        {
            await Task.Delay(_retryDelay, cancellationToken);
            running = Postmaster.Find(DataDirectoryOf(home)) ?? throw Failed(home, "it ended while it started");
        }

        return running;
    }

    // Made under another name, so that an initdb that was interrupted is never taken for a cluster.
    private static async Task MakeAsync(string home, PostgresBinaries binaries, ServerAccount account, CancellationToken cancellationToken)
    {
        var unfinished = DataDirectoryOf(home) + ".new";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        var made = await account.RunAsync(
            [
                binaries.InitDb, "-D", unfinished, "--encoding=UTF8", "--locale=C", "--data-checksums", $"--username={Superuser}", "--auth-local=trust",
                "--auth-host=reject", "--no-instructions", "--no-sync",
            ],
            cancellationToken);
        if (made.ExitCode != 0)
        {
            var reason = ServerLog.FindReason(made.Output) ?? made.LastLine;
            throw new PrivateClusterException($"The private PostgreSQL cluster in '{home}' cannot be made: {reason.TrimEnd('.')}.");
        }

        // The whole file system at once: initdb itself would wait for the disk a thousand times, once for each of its files.
        await Command.RunAsync(["sync", "--file-system", unfinished], cancellationToken);
        Directory.Move(unfinished, DataDirectoryOf(home));
        await Command.RunAsync(["sync", "--file-system", home], cancellationToken);
    }

    // The socket's folder is part of the address: a server that is started again keeps it.
    private static async Task<Postmaster> RunAsync(
        string home, string? knownSocketFolder, PostgresBinaries binaries, ServerAccount account, CancellationToken cancellationToken)
    {
        var log = new ServerLog(LogOf(home));
        Postmaster.ForgetReusedProcessId(DataDirectoryOf(home));
        var socketFolder = knownSocketFolder ?? await MakeSocketFolderAsync(home, account, cancellationToken);
        var options = string.Join(' ', _settings.Append($"unix_socket_directories=\"{socketFolder}\"").Select(setting => $"-c {Quote(setting)}"));

        for (var waited = TimeSpan.Zero; ; waited += _retryDelay)
        {
            log.Mark();
            // pg_ctl puts the server into a session of its own: Ctrl-C reaches this program, which still needs the server to end well.
            var start = await account.RunAsync(
                [binaries.PgCtl, "start", "-D", DataDirectoryOf(home), "-l", log.File, "-w", "-t", "600", "-o", options], cancellationToken);
            if (Postmaster.Find(DataDirectoryOf(home)) is { } running)
                return running;
            var failure = Failed(home, log.FindReason() ?? ServerLog.FindReason(start.Output) ?? start.LastLine);
            // Server processes end by themselves soon after their postmaster was killed; until then it cannot be started again.
            if (waited > _patience || !failure.Message.Contains("still in use", StringComparison.Ordinal))
            {
                if (knownSocketFolder is null)
                    RemoveTemporary(socketFolder, home);
                throw failure;
            }

            await Task.Delay(_retryDelay, cancellationToken);
        }
    }

    private static async Task<string> MakeSocketFolderAsync(string home, ServerAccount account, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(home, "socket");
        if (Encoding.UTF8.GetByteCount(folder) > LongestSocketFolder || folder.AsSpan().ContainsAny(_separators))
            folder = Directory.CreateTempSubdirectory("selfreward-").FullName;
        else
            Directory.CreateDirectory(folder);
        // No server runs, so what lies here is left over; its process id may be another program's by now.
        foreach (var leftOver in Directory.EnumerateFiles(folder))
            File.Delete(leftOver);
        await account.OwnAsync(folder, cancellationToken);
        return folder;
    }

    private static void RemoveTemporary(string socketFolder, string home)
    {
        if (!socketFolder.StartsWith(home, StringComparison.Ordinal) && Directory.Exists(socketFolder))
            Directory.Delete(socketFolder, recursive: true);
    }

    private static PrivateClusterException Failed(string home, string reason) =>
        new($"The private PostgreSQL cluster in '{home}' cannot be started: {reason.TrimEnd('.')} (see {LogOf(home)}).");

    // pg_ctl hands the options to /bin/sh.
    private static string Quote(string text) => $"'{text.Replace("'", "'\\''")}'";
}
