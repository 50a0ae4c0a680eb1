using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>One JSON object of a model folder, read with errors that name the file and the field.</summary>
internal sealed class JsonFile(string file, JsonElement root)
{
    public string File => file;

    public JsonElement Root => root;

    public static JsonFile Read(string path)
    {
        try
        {
            return Parse(path, System.IO.File.ReadAllText(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException($"'{path}' is missing.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    public static JsonFile Parse(string path, string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new JsonFile(path, document.RootElement.Clone())
                : throw new CheckpointException($"{path}: expected a JSON object, found {Kind(document.RootElement)}.");
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"{path}:{e.LineNumber + 1}: not valid JSON: {e.Message}", e);
        }
        catch (ArgumentException e)
        {
            throw new CheckpointException($"{path}: not valid JSON: it holds half of a surrogate pair, which is no character.", e);
        }
    }

    /// <summary>The field, or null when it is absent or JSON null.</summary>
    public JsonElement? Find(string field) => root.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public JsonElement Require(string field) => Find(field) ?? throw new CheckpointException($"{file}: \"{field}\" is missing.");

    public JsonFile? Object(string field) =>
        Find(field) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new JsonFile($"{file}: {field}", value)
        : throw Wrong(field, "an object", value);

    public int Int(string field, int? absent = null) =>
        Find(field) is not { } value ? absent ?? throw new CheckpointException($"{file}: \"{field}\" is missing.")
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number
        : throw Wrong(field, "an integer", value);

    public int Positive(string field) => Int(field) is > 0 and var number ? number : throw Wrong(field, "a positive integer", Require(field));

    public double PositiveNumber(string field, double? absent = null) =>
        Double(field, absent) is > 0 and < double.PositiveInfinity and var number ? number : throw Wrong(field, "a positive number", Require(field));

    public int? OptionalInt(string field) => Find(field) is null ? null : Int(field);

    public double Double(string field, double? absent = null) =>
        Find(field) is not { } value ? absent ?? throw new CheckpointException($"{file}: \"{field}\" is missing.")
        : value.ValueKind == JsonValueKind.Number ? value.GetDouble()
        : throw Wrong(field, "a number", value);

    public bool Bool(string field, bool absent) =>
        Find(field) is not { } value ? absent
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong(field, "true or false", value);

    public string? Text(string field) =>
        Find(field) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Wrong(field, "a text", value);

    /// <summary>An integer or a list of integers, as Hugging Face writes eos_token_id.</summary>
    public IReadOnlyList<int>? Ints(string field)
    {
        if (Find(field) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number) return [Int(field)];
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(field, "an integer or a list of integers", value);
        return [.. value.EnumerateArray().Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var number) ? number : throw Wrong(field, "a list of integers", value))];
    }

    public CheckpointException Wrong(string field, string expected, JsonElement found) => new($"{file}: \"{field}\" is {Short(found)}, expected {expected}.");

    public static string Short(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 80 ? text : text[..77] + "...";
    }

    /// <summary>How JSON files of a model are written.</summary>
    public static string Indented(JsonObject json) => json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        _ => Short(value),
    };
}
