using System.Text;
using System.Text.RegularExpressions;

namespace SelfRewarding.Control.Up;

/// <summary>What a worker complained of last, from the file that it writes to.</summary>
public static partial class TroubleLog
{
    private const int Tail = 1 << 16;
    private const int LongestLine = 300;

    /// <summary>The variables that make a worker write one line for each message, with its time.</summary>
    public static IReadOnlyDictionary<string, string?> OneLineEach { get; } = new Dictionary<string, string?>
    {
        ["Logging__Console__FormatterName"] = "simple",
        ["Logging__Console__FormatterOptions__SingleLine"] = "true",
        ["Logging__Console__FormatterOptions__UseUtcTimestamp"] = "true",
        ["Logging__Console__FormatterOptions__TimestampFormat"] = "yyyy-MM-ddTHH:mm:ss.fffZ ",
    };

    /// <summary>The last warning or error, or line of a crash, that was written; null where there is none near the end.</summary>
    public static string? LastLine(string log)
    {
        try
        {
            using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            file.Seek(Math.Max(0, file.Length - Tail), SeekOrigin.Begin);
            using var reader = new StreamReader(file, Encoding.UTF8);
            return LastOf(reader.ReadToEnd());
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>As <see cref="LastLine"/>, of a text.</summary>
    public static string? LastOf(string text)
    {
        foreach (var line in text.Split('\n').Reverse())
        {
            // What no logger wrote is a sentence of a worker that could not start, or the runtime's last word; its stack trace is indented.
            if (line.Length == 0 || char.IsWhiteSpace(line[0]))
                continue;
            var match = LogLine().Match(line);
            if (match.Success && match.Groups["level"].Value is "info" or "dbug" or "trce")
                continue;
            var trouble = (match.Success ? $"{match.Groups["time"].Value} {match.Groups["message"].Value}" : line).Trim();
            return trouble.Length <= LongestLine ? trouble : trouble[..LongestLine] + "…";
        }

        return null;
    }

    [GeneratedRegex(@"^(?<time>\S+) (?<level>trce|dbug|info|warn|fail|crit): \S+\[\d+\] (?<message>.*)$")]
    private static partial Regex LogLine();
}
