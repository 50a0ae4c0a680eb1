using System.Diagnostics;

namespace SelfRewarding.EventStore;

/// <summary>
/// Stops a server when this process has ended. <c>pg_ctl</c> makes the server nobody's child, so a shell waits in its place: the system closes our end of its input when
/// we end, however that happens.
/// </summary>
internal static class Leash
{
    // SIGINT is PostgreSQL's fast shutdown. A server that was stopped in good order has no file any more, and then there is nothing to do.
    private const string Script = "read -r _; kill -INT \"$(head -n 1 \"$1\")\" 2> /dev/null";

    // Never closed by us, and never collected: the end of this process closes their input.
    private static readonly List<Process> _held = [];

    /// <summary>Begins to hold the server whose process id the file's first line is.</summary>
    public static void Hold(string pidFile)
    {
        // In a session of its own: Ctrl-C is for us, and we stop the server ourselves.
        _held.Add(Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", Script, "leash", pidFile])
        {
            WorkingDirectory = "/", RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!);
    }
}
