using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace SelfRewarding.Hosting;

/// <summary>What a tethered process is started with.</summary>
/// <param name="Command">The program and its arguments.</param>
/// <param name="Log">The file that everything it writes is appended to; readable by its owner only.</param>
public sealed record ProcessPlan(IReadOnlyList<string> Command, string Log)
{
    /// <summary>Variables over our own environment; null removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>Nothing of our own environment is handed on.</summary>
    public bool CleanEnvironment { get; init; }

    /// <summary>Where it starts: not the caller's folder, which may go away or be closed to a server's account.</summary>
    public string Folder { get; init; } = "/";

    /// <summary>A file that is locked as long as the program or a child of it lives: a second one waits until the first has ended.</summary>
    public string? LockFile { get; init; }
}

/// <summary>
/// A child process that cannot outlive us. A shell stands between: it holds the reading end of a pipe whose writing end is ours, and when that closes (because we ask for
/// it, or because we ended in any way, SIGKILL included) it sends the child SIGTERM, and SIGKILL to all that is left half a minute later.
/// </summary>
public sealed class TetheredProcess : IAsyncDisposable
{
    // Arguments: the log, then the command. In a session of its own, whose group has the shell's number: Ctrl-C is for us, and the end is for everything below.
    private const string Script = """
        umask 077
        log=$1
        shift
        exec 3<&0 < /dev/null
        "$@" 3<&- >> "$log" 2>&1 &
        child=$!
        echo "$child"
        exec > /dev/null 2>&1
        {
            read -r _ <&3
            kill -TERM "$child"
            for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do sleep 1; done
            kill -KILL -$$
        } &
        watch=$!
        wait "$child"
        code=$?
        kill -KILL "$watch"
        exit "$code"
        """;

    private readonly Process _shell;

    private TetheredProcess(Process shell, int id) => (_shell, Id, Ended) = (shell, id, EndAsync(shell));

    /// <summary>The child's process id, not the shell's.</summary>
    public int Id { get; }

    /// <summary>The exit code, once the child has ended: 128 + n where signal n ended it.</summary>
    public Task<int> Ended { get; }

    /// <summary>Starts a process.</summary>
    /// <exception cref="IOException">It cannot be started.</exception>
    public static async Task<TetheredProcess> StartAsync(ProcessPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        string[] locked = plan.LockFile is null ? [] : ["flock", "--no-fork", plan.LockFile];
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Script, "tether", plan.Log, .. locked, .. plan.Command])
        {
            WorkingDirectory = plan.Folder, RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        if (plan.CleanEnvironment)
            start.Environment.Clear();
        foreach (var (name, value) in plan.Environment)
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        try
        {
            var shell = Process.Start(start)!;
            var line = await shell.StandardOutput.ReadLineAsync(cancellationToken);
            if (int.TryParse(line, CultureInfo.InvariantCulture, out var id))
                return new TetheredProcess(shell, id);
            await shell.WaitForExitAsync(cancellationToken);
            shell.Dispose();
            throw new IOException($"'{plan.Command[0]}' cannot be started; '{plan.Log}' may say why.");
        }
        catch (Win32Exception e)
        {
            throw new IOException($"'setsid' cannot be run: {e.Message}. It is part of util-linux.", e);
        }
    }

    /// <summary>Asks the child to end, and waits until it has.</summary>
    public async Task<int> StopAsync()
    {
        if (!Ended.IsCompleted)
            _shell.StandardInput.Close();
        return await Ended;
    }

    /// <summary>Stops the child if it runs.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _shell.Dispose();
    }

    private static async Task<int> EndAsync(Process shell)
    {
        await shell.WaitForExitAsync();
        return shell.ExitCode;
    }
}
