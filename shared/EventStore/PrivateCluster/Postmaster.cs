using System.Globalization;

namespace SelfRewarding.EventStore;

/// <summary>What <c>postmaster.pid</c> says about the server of a data directory.</summary>
/// <param name="ProcessId">The server's process.</param>
/// <param name="SocketFolder">Where its socket is.</param>
/// <param name="IsReady">It accepts connections.</param>
internal sealed record Postmaster(int ProcessId, string SocketFolder, bool IsReady)
{
    // Larger than any process id that Linux gives.
    private const int NoProcess = int.MaxValue;

    /// <summary>The server that runs on the data directory, or null.</summary>
    public static Postmaster? Find(string dataDirectory)
    {
        // Lines: process id, data directory, start time, port, socket folder, listen address, shared memory key and id, status.
        var lines = ReadPidFile(dataDirectory);
        if (lines.Length == 0 || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out var processId) || !Serves(processId, dataDirectory))
            return null;
        return new Postmaster(processId, lines.Length > 4 ? lines[4] : "", lines.Length > 7 && lines[7].Trim() == "ready");
    }

    /// <summary>
    /// After a crash of the machine the process id in the file may be another program's, and PostgreSQL would refuse to start. The id is then replaced, not the
    /// file deleted: it also holds the shared memory key by which PostgreSQL sees old server processes that still run.
    /// </summary>
    public static void ForgetReusedProcessId(string dataDirectory)
    {
        var lines = ReadPidFile(dataDirectory);
        if (lines.Length == 0 || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out var processId))
            return;
        if (!Directory.Exists($"/proc/{processId}") || Serves(processId, dataDirectory))
            return;
        lines[0] = NoProcess.ToString(CultureInfo.InvariantCulture);
        File.WriteAllLines(PidFile(dataDirectory), lines);
    }

    /// <summary>The file whose first line is the server's process id.</summary>
    public static string PidFile(string dataDirectory) => Path.Combine(dataDirectory, "postmaster.pid");

    private static string[] ReadPidFile(string dataDirectory)
    {
        try
        {
            return File.ReadAllLines(PidFile(dataDirectory));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    // The command line of a process is open to all users, its working folder is not.
    private static bool Serves(int processId, string dataDirectory)
    {
        try
        {
            var arguments = File.ReadAllText($"/proc/{processId}/cmdline").Split('\0');
            return Path.GetFileName(arguments[0]) is "postgres" or "postmaster" && arguments.Contains(dataDirectory);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
