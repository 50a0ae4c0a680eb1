using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>One tensor of a safetensors header.</summary>
/// <param name="Type">The format's name of the number type, such as F32.</param>
/// <param name="Shape">Dimensions.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">The byte after the last.</param>
public sealed record SafeTensorEntry(string Type, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>Bytes of one number; a type that is not listed is refused by name.</summary>
    private static readonly Dictionary<string, int> Widths = new(StringComparer.Ordinal)
    {
        ["F64"] = 8, ["F32"] = 4, ["F16"] = 2, ["BF16"] = 2, ["F8_E4M3"] = 1, ["F8_E5M2"] = 1,
        ["I64"] = 8, ["I32"] = 4, ["I16"] = 2, ["I8"] = 1, ["U64"] = 8, ["U32"] = 4, ["U16"] = 2, ["U8"] = 1, ["BOOL"] = 1,
    };

    /// <summary>Reads a header whose data part has <paramref name="dataLength"/> bytes. Tensors must fill it without gap or overlap, as the format demands.</summary>
    internal static Dictionary<string, SafeTensorEntry> Parse(string path, byte[] header, long dataLength)
    {
        var tensors = new Dictionary<string, SafeTensorEntry>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(header);
            foreach (var field in json.RootElement.EnumerateObject())
            {
                if (field.Name == "__metadata__") continue;
                var offsets = field.Value.GetProperty("data_offsets");
                var entry = new SafeTensorEntry(
                    field.Value.GetProperty("dtype").GetString()!,
                    [.. field.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())],
                    offsets[0].GetInt64(),
                    offsets[1].GetInt64());
                Check(path, field.Name, entry, dataLength);
                if (!tensors.TryAdd(field.Name, entry)) throw new CheckpointException($"'{path}': tensor '{field.Name}' is there twice.");
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            throw new CheckpointException($"'{path}': the safetensors header is malformed: {e.Message}", e);
        }

        var end = 0L;
        foreach (var (name, entry) in tensors.OrderBy(tensor => tensor.Value.Begin).ThenBy(tensor => tensor.Value.End))
        {
            if (entry.Begin != end) throw new CheckpointException($"'{path}': tensor '{name}' begins at byte {entry.Begin} of the data, expected {end}: tensors overlap or leave a gap.");
            end = entry.End;
        }

        return end == dataLength ? tensors : throw new CheckpointException($"'{path}' has {dataLength} bytes of data, its header describes {end}: the file is cut short or too long.");
    }

    /// <summary>The header of these tensors, in this order, padded with spaces so that the data begins at a multiple of eight.</summary>
    internal static byte[] Header(IReadOnlyList<KeyValuePair<string, Tensor>> tensors)
    {
        var json = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        var at = 0L;
        foreach (var (name, tensor) in tensors)
        {
            var (type, width) = tensor.dtype switch
            {
                torch.ScalarType.Float32 => ("F32", 4),
                torch.ScalarType.Int64 => ("I64", 8),
                _ => throw new ArgumentException($"Tensor '{name}' has type {tensor.dtype}; Float32 and Int64 are written.", nameof(tensors)),
            };
            var end = at + tensor.numel() * width;
            json[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. tensor.shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(at, end),
            };
            at = end;
        }

        var header = JsonSerializer.SerializeToUtf8Bytes(json);
        var padded = new byte[(header.Length + 7) / 8 * 8];
        header.CopyTo(padded, 0);
        padded.AsSpan(header.Length).Fill((byte)' ');
        return padded;
    }

    private static void Check(string path, string name, SafeTensorEntry entry, long dataLength)
    {
        if (!Widths.TryGetValue(entry.Type, out var width)) throw new CheckpointException($"'{path}': tensor '{name}' has the unknown type '{entry.Type}'.");
        if (entry.Begin < 0 || entry.End < entry.Begin || entry.End > dataLength)
            throw new CheckpointException($"'{path}': tensor '{name}' lies at bytes {entry.Begin} to {entry.End}, outside the {dataLength} bytes of data: the file is cut short.");

        // In 128 bits, so that a malicious shape cannot wrap around to the right length.
        Int128 bytes = width;
        foreach (var size in entry.Shape)
        {
            if (size < 0 || bytes > long.MaxValue) throw new CheckpointException($"'{path}': tensor '{name}' has the impossible shape [{string.Join(", ", entry.Shape)}].");
            bytes *= size;
        }

        if (bytes != entry.End - entry.Begin)
            throw new CheckpointException($"'{path}': tensor '{name}' of type {entry.Type} and shape [{string.Join(", ", entry.Shape)}] needs {bytes} bytes, its place has {entry.End - entry.Begin}.");
    }
}
