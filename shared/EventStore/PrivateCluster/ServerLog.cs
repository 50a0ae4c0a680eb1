namespace SelfRewarding.EventStore;

/// <summary>The file that the server writes its messages to.</summary>
internal sealed class ServerLog(string file)
{
    private const int LongestLog = 4 << 20;

    private static readonly string[] _severities = ["FATAL:", "PANIC:", "error:"];

    private long _seen;

    public string File { get; } = file;

    /// <summary>Begins a start of the server: what is in the file by now is not about it.</summary>
    public void Mark()
    {
        var log = new FileInfo(File);
        _seen = log.Exists ? log.Length : 0;
        if (_seen <= LongestLog)
            return;
        log.MoveTo(File + ".old", overwrite: true);
        _seen = 0;
    }

    /// <summary>The message since <see cref="Mark"/> that says why the server failed, or null.</summary>
    public string? FindReason()
    {
        if (!System.IO.File.Exists(File))
            return null;
        using var log = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        log.Seek(Math.Min(_seen, log.Length), SeekOrigin.Begin);
        using var reader = new StreamReader(log);
        return FindReason(reader.ReadToEnd());
    }

    /// <summary>The line that says why; hints and the news that the server has shut down come after it.</summary>
    public static string? FindReason(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var index = Array.FindLastIndex(lines, line => line.Contains("No space left on device", StringComparison.Ordinal));
        if (index < 0)
            index = Array.FindLastIndex(lines, line => Severity(line) >= 0);
        if (index < 0)
            return lines.LastOrDefault(line => line.Contains("could not", StringComparison.Ordinal));
        var reason = Message(lines[index]);
        var detail = index + 1 < lines.Length ? lines[index + 1].IndexOf("DETAIL:", StringComparison.Ordinal) : -1;
        return detail < 0 ? reason : $"{reason}: {lines[index + 1][(detail + "DETAIL:".Length)..].Trim()}";
    }

    private static string Message(string line) => Severity(line) is >= 0 and var start ? line[(line.IndexOf(':', start) + 1)..].Trim() : line;

    private static int Severity(string line) =>
        _severities.Select(word => line.IndexOf(word, StringComparison.Ordinal)).FirstOrDefault(start => start >= 0, -1);
}
