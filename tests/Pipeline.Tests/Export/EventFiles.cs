using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SelfRewarding.Control.Export;
using SelfRewarding.Control.Import;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Event exports in a temporary folder, as the commands write and read them.</summary>
internal sealed class EventFiles : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("event-files-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public string Path(string name) => System.IO.Path.Combine(_folder, name);

    /// <summary>Exports runs, the one that is asked for first.</summary>
    /// <returns>The lines.</returns>
    public async Task<IReadOnlyList<string>> ExportAsync(LogUnderTest log, string name, params string[] runs)
    {
        await OutputFile.WriteAsync(Path(name), stream => EventFileWriter.WriteAsync(stream, runs, EventFileWriter.EventsOf(log.Database, runs, CancellationToken.None), CancellationToken.None));
        return await File.ReadAllLinesAsync(Path(name));
    }

    /// <summary>Checks and imports a file.</summary>
    public async Task<ImportFindings> ImportAsync(LogUnderTest log, string name)
    {
        var file = EventFileReader.Open(Path(name));
        var found = EventImport.Check(file, CancellationToken.None);
        await EventImport.WriteAsync(file.Path, file.Read(), log.Database, CancellationToken.None);
        return found;
    }

    /// <summary>Writes lines as they are.</summary>
    public void Write(string name, IEnumerable<string> lines) => File.WriteAllText(Path(name), string.Concat(lines.Select(line => line + "\n")));

    /// <summary>Writes lines that somebody changed and then gave a last line that agrees with them.</summary>
    public void WriteSealed(string name, IEnumerable<string> lines)
    {
        var before = lines.SkipLast(1).ToList();
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(before.Select(line => line + "\n")))));
        var streams = before.Skip(1).Count(line => JsonNode.Parse(line)!["version"]!.GetValue<int>() == 1);
        Write(name, [.. before, JsonSerializer.Serialize(new { events = before.Count - 1, streams, sha256 })]);
    }
}
