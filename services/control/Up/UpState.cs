using System.Globalization;
using System.Text.Json;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Up;

/// <summary>One of the things that <c>selfreward up</c> keeps alive: a worker, the broker, the database.</summary>
/// <param name="Name">Such as <c>sampler-2</c>.</param>
/// <param name="IsRunning">False while it waits to be started again.</param>
/// <param name="Since">Since when it runs, or does not.</param>
/// <param name="Restarts">How often it had to be started again.</param>
/// <param name="LastEnd">How it ended last, or why it could not be started; null while it never did.</param>
/// <param name="Log">The file that it writes to.</param>
public sealed record PartState(string Name, bool IsRunning, int? ProcessId, DateTimeOffset Since, int Restarts, string? LastEnd, string Log);

/// <summary>What <c>selfreward up</c> keeps alive in a data folder, as it last wrote it down. The file has the broker's password in it, and is readable by its owner only.</summary>
/// <param name="ProcessId">Of <c>selfreward up</c>.</param>
/// <param name="ProcessStart">When that process began, in the system's ticks: a process of the same number is another one.</param>
/// <param name="IsReady">Everything was started once.</param>
/// <param name="Postgres">The log's connection string.</param>
/// <param name="RabbitMq">The broker's address.</param>
public sealed record UpState(int ProcessId, long ProcessStart, DateTimeOffset Since, bool IsReady, string Postgres, string RabbitMq, IReadOnlyList<PartState> Parts)
{
    /// <summary>The names of the servers among the parts; all others are workers.</summary>
    public const string Database = "database", Broker = "broker";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    /// <summary>The folder of the state file and of the workers' logs.</summary>
    public static string FolderOf(string data) => Path.Combine(data, "up");

    /// <summary>Whether the process that wrote it still runs.</summary>
    public bool IsInForce => StartOf(ProcessId) == ProcessStart;

    /// <summary>What was written last, by whoever is or was up; null where there is nothing.</summary>
    public static UpState? Read(string data)
    {
        try
        {
            return JsonSerializer.Deserialize<UpState>(File.ReadAllText(FileOf(data)));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it down, whole or not at all.</summary>
    public void Write(string data)
    {
        // The folder is closed to others before anything is in it.
        if (!OperatingSystem.IsWindows())
            Directory.CreateDirectory(FolderOf(data), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        AtomicFile.WriteText(FileOf(data), JsonSerializer.Serialize(this, Json));
    }

    /// <summary>Removes it: nothing is up any more.</summary>
    public static void Remove(string data) => File.Delete(FileOf(data));

    /// <summary>When a process began, in ticks since the system did; null where there is none. From <c>/proc/PID/stat</c>, whose second field may have anything in it.</summary>
    public static long? StartOf(int processId)
    {
        const int Start = 22 - 3; // proc(5) counts from 1; what follows the name begins with field 3
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[Start], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string FileOf(string data) => Path.Combine(FolderOf(data), "state.json");
}
