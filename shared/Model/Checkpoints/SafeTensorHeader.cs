using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>What a safetensors file says of itself: eight bytes of header length, then JSON of names, types, shapes and places, all of it checked against the file's length.</summary>
/// <param name="Tensors">By name.</param>
/// <param name="Metadata">The texts of <c>__metadata__</c>.</param>
/// <param name="DataStart">Where the numbers begin in the file.</param>
internal sealed record SafeTensorHeader(IReadOnlyDictionary<string, SafeTensorEntry> Tensors, IReadOnlyDictionary<string, string> Metadata, long DataStart)
{
    public const string MetadataField = "__metadata__";

    private const int PrefixLength = 8;
    private const int LongestHeader = 100_000_000; // the limit of the reference implementation

    /// <summary>Fills the buffer with the file's bytes from an offset on.</summary>
    public delegate void ReadAt(Span<byte> buffer, long offset);

    /// <summary>Reads and checks the header of a file of this length.</summary>
    /// <exception cref="CheckpointException">The file is cut short, or its header is malformed or contradicts itself or the file's length.</exception>
    public static SafeTensorHeader Read(string path, long length, ReadAt read)
    {
        if (length < PrefixLength) throw new CheckpointException($"'{path}' has {length} bytes, too few for a safetensors file.");
        Span<byte> prefix = stackalloc byte[PrefixLength];
        read(prefix, 0);
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > LongestHeader || (long)headerLength > length - PrefixLength)
            throw new CheckpointException($"'{path}' says that its header has {headerLength} bytes, but the file has {length}: it is cut short, or no safetensors file.");
        var json = new byte[headerLength];
        read(json, PrefixLength);
        var dataStart = PrefixLength + (long)headerLength;
        var (tensors, metadata) = Parse(path, json, length - dataStart);
        CheckCoverage(path, tensors, length - dataStart);
        return new SafeTensorHeader(tensors, metadata, dataStart);
    }

    /// <summary>Length and header of these tensors, in this order, padded with spaces so that the data begins at a multiple of eight.</summary>
    /// <param name="tensors">Name, type and shape of each.</param>
    /// <param name="metadata">Goes beside the format's mark that transformers expects.</param>
    public static byte[] Write(IEnumerable<(string Name, string Type, long[] Shape)> tensors, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        var marks = new JsonObject { ["format"] = "pt" };
        foreach (var (name, text) in metadata) marks[name] = text;
        var json = new JsonObject { [MetadataField] = marks };
        var at = 0L;
        foreach (var (name, type, shape) in tensors)
        {
            var end = shape.Aggregate(1L, (product, size) => product * size) * SafeTensorEntry.WidthOf(type) + at;
            json[name] = new JsonObject { ["dtype"] = type, ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]), ["data_offsets"] = new JsonArray(at, end) };
            at = end;
        }

        var header = JsonSerializer.SerializeToUtf8Bytes(json);
        var padded = new byte[PrefixLength + (header.Length + 7) / 8 * 8];
        BinaryPrimitives.WriteInt64LittleEndian(padded, padded.Length - PrefixLength);
        padded.AsSpan(PrefixLength).Fill((byte)' ');
        header.CopyTo(padded, PrefixLength);
        return padded;
    }

    private static (Dictionary<string, SafeTensorEntry> Tensors, Dictionary<string, string> Metadata) Parse(string path, byte[] header, long dataLength)
    {
        var tensors = new Dictionary<string, SafeTensorEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(header);
            foreach (var field in json.RootElement.EnumerateObject())
            {
                if (field.Name == MetadataField)
                {
                    foreach (var mark in field.Value.EnumerateObject()) metadata[mark.Name] = mark.Value.GetString() ?? "";
                    continue;
                }

                var entry = Entry(field.Value);
                entry.Check(path, field.Name, dataLength);
                if (!tensors.TryAdd(field.Name, entry)) throw new CheckpointException($"'{path}': tensor '{field.Name}' is there twice.");
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CheckpointException($"'{path}': the safetensors header is malformed: {e.Message}", e);
        }

        return (tensors, metadata);
    }

    private static SafeTensorEntry Entry(JsonElement value)
    {
        var offsets = value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2) throw new FormatException($"data_offsets has {offsets.GetArrayLength()} numbers, expected 2.");
        return new SafeTensorEntry(
            value.GetProperty("dtype").GetString() ?? "null",
            [.. value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())],
            offsets[0].GetInt64(),
            offsets[1].GetInt64());
    }

    /// <summary>Tensors must fill the data without gap or overlap, as the format demands.</summary>
    private static void CheckCoverage(string path, Dictionary<string, SafeTensorEntry> tensors, long dataLength)
    {
        var end = 0L;
        foreach (var (name, entry) in tensors.OrderBy(tensor => tensor.Value.Begin).ThenBy(tensor => tensor.Value.End))
        {
            if (entry.Begin != end) throw new CheckpointException($"'{path}': tensor '{name}' begins at byte {entry.Begin} of the data, expected {end}: tensors overlap or leave a gap.");
            end = entry.End;
        }

        if (end != dataLength) throw new CheckpointException($"'{path}' has {dataLength} bytes of data, its header describes {end}: the file is cut short or too long.");
    }
}
