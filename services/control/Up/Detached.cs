using System.Diagnostics;

namespace SelfRewarding.Control.Up;

/// <summary>Starts <c>selfreward up</c> in the background, and returns when everything has been started.</summary>
internal static class Detached
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>The same command without <c>--detach</c>, in a session of its own, its output in a file.</summary>
    /// <exception cref="UserException">It ended before everything was up.</exception>
    public static async Task<UpState> StartAsync(string folder, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var log = Path.Combine(folder, "up.log");
        Directory.CreateDirectory(folder);
        string[] shell = ["sh", "-c", "umask 077; log=$1; shift; exec \"$@\" > \"$log\" 2>&1 < /dev/null", "up", log];
        using var process = Process.Start(new ProcessStartInfo("setsid", [.. shell, .. Programs.CommandOf(typeof(Detached).Assembly), .. arguments]))!;
        while (DataFolder.FindUp(folder) is not { IsReady: true })
        {
            if (process.HasExited)
                throw new UserException($"It did not come up: {TroubleLog.LastLine(log) ?? $"exit code {process.ExitCode}"} ({log})");
            await Task.Delay(Look, cancellationToken);
        }

        return DataFolder.FindUp(folder)!;
    }
}
