using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using SelfRewarding.Control.Export;
using SelfRewarding.Datasets;
using SelfRewarding.EventStore;

namespace SelfRewarding.Control.Import;

/// <summary>Reads an event export, a line at a time, and holds it to what its first and last line say.</summary>
public sealed class EventFileReader
{
    private const string Remedy = "the file is cut off or was changed; copy it again, or export again.";

    private EventFileReader(string path, IReadOnlyList<string> runs) => (Path, Runs) = (path, runs);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The run that was exported, then those that it comes from.</summary>
    public IReadOnlyList<string> Runs { get; }

    /// <summary>Reads the first line.</summary>
    /// <exception cref="DataFileException">The file cannot be read, is no event export, or one of a newer version.</exception>
    public static EventFileReader Open(string path)
    {
        const string Expected = "expected an event export, as 'selfreward export --events FILE' writes it";
        var first = Jsonl.Read(path).FirstOrDefault() ?? throw new DataFileException($"{path}: is empty, {Expected}.");
        if (!first.Has("format") || first.Text("format") != EventFile.Format)
            throw new DataFileException($"{first.Location}: does not begin with \"format\" \"{EventFile.Format}\", {Expected}.");
        if (first.WholeNumber("format_version", 1) is > EventFile.Version and var version)
            throw new DataFileException($"{first.Location}: \"format_version\" is {version}, expected {EventFile.Version} at most: import it with the version of selfreward that wrote it, or a newer one.");
        return new EventFileReader(path, first.Texts("runs", min: 1));
    }

    /// <summary>The events in order. That the file is whole is known only when the last one has been given and the sequence ends.</summary>
    /// <exception cref="DataFileException">A line is not what it should be, or the file is cut off, or was changed; says where.</exception>
    public IEnumerable<EventLine> Read()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var lines = Jsonl.Read(Path).GetEnumerator();
        var (events, streams) = (0L, 0L);
        for (var number = 0; MoveNext(lines); number++)
        {
            var line = lines.Current;
            if (line.Has("sha256"))
            {
                CheckLast(line, events, streams, Convert.ToHexStringLower(hash.GetHashAndReset()));
                if (MoveNext(lines))
                    throw new DataFileException($"{lines.Current.Location}: follows the export's last line, expected the end of the file: {Remedy}");
                yield break;
            }

            hash.AppendData(JsonMarshal.GetRawUtf8Value(line.Value));
            hash.AppendData("\n"u8);
            if (number == 0)
                continue;
            var e = Event(line);
            events++;
            streams += e.Version == 1 ? 1 : 0;
            yield return new EventLine(line.Location, e);
        }

        throw new DataFileException($"{Path}: ends after {Count(events)} without the last line of an export, which has their number and hash: {Remedy}");
    }

    private static bool MoveNext(IEnumerator<JsonlLine> lines)
    {
        try
        {
            return lines.MoveNext();
        }
        catch (DataFileException e)
        {
            throw new DataFileException($"{e.Message.TrimEnd('.')}: {Remedy}", e);
        }
    }

    private static void CheckLast(JsonlLine line, long events, long streams, string sha256)
    {
        var (said, begun, hash) = (line.WholeNumber("events", 0), line.WholeNumber("streams", 0), line.Text("sha256"));
        if ((said, begun) != (events, streams))
            throw new DataFileException($"{line.Location}: says {Count(said)} in {begun} streams, but {Count(events)} in {streams} streams stand before it: {Remedy}");
        if (hash != sha256)
            throw new DataFileException($"{line.Location}: \"sha256\" is {hash}, but the lines before it hash to {sha256}: {Remedy}");
    }

    private static EventCopy Event(JsonlLine line)
    {
        var (stream, version) = (line.Text("stream"), line.WholeNumber("version", 1));
        if (!Guid.TryParseExact(line.Text("id"), "D", out var id))
            throw new DataFileException($"{line.Location}: \"id\" is \"{line.Text("id")}\", expected a UUID.");
        if (!DateTimeOffset.TryParseExact(line.Text("timestamp"), "yyyy-MM-dd'T'HH:mm:ss.FFFFFFK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var timestamp))
            throw new DataFileException($"{line.Location}: \"timestamp\" is \"{line.Text("timestamp")}\", expected a moment to the microsecond, such as 2030-01-02T03:04:05.123456+00:00.");
        return new EventCopy(
            stream, version, id, line.Text("type"), TextOrNull("dotnet_type"), timestamp, TextOrNull("correlation_id"), TextOrNull("causation_id"),
            line.Has("headers") ? line.ObjectText("headers") : default(ReadOnlyMemory<byte>?), line.ObjectText("data"));

        string? TextOrNull(string name) => line.Has(name) ? line.Text(name) : null;
    }

    private static string Count(long events) => events == 1 ? "1 event" : $"{events} events";
}
