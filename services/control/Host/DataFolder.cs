using SelfRewarding.Control.Up;

namespace SelfRewarding.Control;

/// <summary>
/// The folder that holds everything: the log's database, models, checkpoints, pairs. One process has it at a time, the one that hosts workers or keeps them alive; where
/// that is <c>selfreward up</c>, others may use what it keeps alive. Who only watches takes nothing: where the servers are elsewhere, the folder is shared by many.
/// </summary>
public sealed class DataFolder : IDisposable
{
    private const int WouldBlock = 11; // EWOULDBLOCK: flock is held by another process

    private readonly FileStream? _lock;

    private DataFolder(string path, FileStream? @lock, UpState? up)
    {
        Path = path;
        _lock = @lock;
        Up = up;
    }

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>Where the private PostgreSQL keeps the log.</summary>
    public string Postgres => System.IO.Path.Combine(Path, "postgres");

    /// <summary>Where the private RabbitMQ keeps its queues.</summary>
    public string RabbitMq => System.IO.Path.Combine(Path, "rabbitmq");

    /// <summary>What <c>selfreward up</c> keeps alive here; null where this process has the folder.</summary>
    public UpState? Up { get; }

    /// <summary>Workers are processes of their own: this one starts and watches, and when it ends they go on.</summary>
    public bool IsWatched => _lock is null;

    /// <summary>The folder for a command that carries a run: taken where this process hosts the workers, and only watched where they are elsewhere.</summary>
    /// <exception cref="UserException">Another process has it, or it cannot be written.</exception>
    public static DataFolder OpenForRun(string path)
    {
        if (LogServer.Shared is null)
            return Open(path);
        var full = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full);
            return new DataFolder(full, null, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(full, e);
        }
    }

    /// <summary>Makes the folder where it is missing, and takes it for this process.</summary>
    /// <exception cref="UserException">Another process has it, or it cannot be written.</exception>
    public static DataFolder Open(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full);
            // The system drops this lock with the process, however it ends.
            var file = new FileStream(System.IO.Path.Combine(full, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            file.SetLength(0);
            file.Write(System.Text.Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"));
            file.Flush();
            return new DataFolder(full, file, null);
        }
        catch (IOException e) when (IsTaken(e) && FindUp(full) is { } up)
        {
            return new DataFolder(full, null, up);
        }
        catch (IOException e) when (IsTaken(e))
        {
            throw new UserException($"The data folder '{full}' is in use by another selfreward process: wait for it, stop it, or give this one a folder of its own (--data).", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(full, e);
        }
    }

    /// <summary>Takes the folder, or returns null where another process has it.</summary>
    public static DataFolder? TryOpen(string path)
    {
        try
        {
            return Open(path);
        }
        catch (UserException e) when (e.InnerException is IOException inner && IsTaken(inner))
        {
            return null;
        }
    }

    /// <summary>What <c>selfreward up</c> keeps alive in a folder now; null where it does not run.</summary>
    public static UpState? FindUp(string path) => UpState.Read(path) is { IsInForce: true } up ? up : null;

    public void Dispose() => _lock?.Dispose();

    private static UserException Unusable(string path, Exception e) => new($"The data folder '{path}' cannot be used: {e.Message} Give another one (--data).", e);

    /// <summary>Whether a file could not be opened because another process has it to itself.</summary>
    internal static bool IsTaken(IOException e) => e.HResult == WouldBlock;
}
