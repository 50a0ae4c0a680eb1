using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace SelfRewarding.Datasets;

/// <summary>One object of a JSON Lines file, or a part of it, which knows where it stands so that every error can say so.</summary>
/// <param name="Location"><c>file:line</c>.</param>
/// <param name="Path">Where in the line's object this part is: empty, or such as <c>responses[1].</c></param>
/// <param name="Value">A JSON object.</param>
public sealed record JsonlLine(string Location, string Path, JsonElement Value)
{
    /// <summary>Reads a line.</summary>
    /// <exception cref="DataFileException">The line is not one JSON object in UTF-8.</exception>
    public static JsonlLine Parse(string location, ReadOnlySpan<byte> text)
    {
        if (!Utf8.IsValid(text))
            throw new DataFileException($"{location}: not UTF-8: convert the file, or look for a damaged byte.");
        try
        {
            var reader = new Utf8JsonReader(text);
            var value = JsonElement.ParseValue(ref reader);
            reader.Read(); // throws where anything follows
            return value.ValueKind == JsonValueKind.Object
                ? new(location, "", value)
                : throw new DataFileException($"{location}: {Describe(value)}, expected one JSON object a line.");
        }
        catch (JsonException e)
        {
            // The reader counts lines of its own input, which is always line 0: leave that out.
            var what = e.Message.Split(" LineNumber:", 2)[0].TrimEnd('.');
            throw new DataFileException($"{location}: not JSON: {what} (byte {e.BytePositionInLine + 1}); expected one object a line.", e);
        }
    }

    /// <summary>Whether the object has this property, with a value other than null.</summary>
    public bool Has(string name) => Find(name) is { ValueKind: not JsonValueKind.Null };

    /// <summary>Whether the object has this property, as a text.</summary>
    public bool IsText(string name) => Find(name) is { ValueKind: JsonValueKind.String };

    /// <summary>A text; it may be empty.</summary>
    /// <exception cref="DataFileException">It is missing or not a text.</exception>
    public string Text(string name)
    {
        var value = Required(name);
        if (value.ValueKind != JsonValueKind.String)
            throw Wrong(name, value, "a text");
        return Characters(name, value);
    }

    /// <summary>A text with something in it.</summary>
    /// <exception cref="DataFileException">It is missing, not a text, or blank.</exception>
    public string NonBlankText(string name)
    {
        var text = Text(name);
        return string.IsNullOrWhiteSpace(text) ? throw new DataFileException($"{Location}: \"{Path}{name}\" is blank.") : text;
    }

    /// <summary>A whole number from <paramref name="min"/> on; <c>3.0</c> is one too.</summary>
    /// <exception cref="DataFileException">It is missing or no such number.</exception>
    public int WholeNumber(string name, int min)
    {
        var value = Required(name);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || number != Math.Truncate(number) || number < min || number > int.MaxValue)
            throw Wrong(name, value, $"a whole number from {min}");
        return (int)number;
    }

    /// <summary>A finite number.</summary>
    /// <exception cref="DataFileException">It is missing or not a number.</exception>
    public double Number(string name)
    {
        var value = Required(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Wrong(name, value, "a number");
    }

    /// <summary>True, false, or null where it is missing or null.</summary>
    /// <exception cref="DataFileException">It is something else.</exception>
    public bool? Flag(string name) => !Has(name) ? null : Required(name) switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        var value => throw Wrong(name, value, "true or false"),
    };

    /// <summary>An object inside of this one.</summary>
    /// <exception cref="DataFileException">It is missing or not an object.</exception>
    public JsonlLine Part(string name) => Required(name) is { ValueKind: JsonValueKind.Object } value
        ? new(Location, $"{Path}{name}.", value)
        : throw Wrong(name, Required(name), "an object");

    /// <summary>The objects of a list.</summary>
    /// <param name="name">The property.</param>
    /// <param name="min">How many there have to be.</param>
    /// <exception cref="DataFileException">It is missing, not a list of objects, or too short.</exception>
    public IReadOnlyList<JsonlLine> Objects(string name, int min) => [.. Items(name, min).Select((item, index) => item.ValueKind == JsonValueKind.Object
        ? new JsonlLine(Location, $"{Path}{name}[{index}].", item)
        : throw Wrong($"{name}[{index}]", item, "an object"))];

    /// <summary>The texts of a list.</summary>
    /// <param name="name">The property.</param>
    /// <param name="min">How many there have to be.</param>
    /// <exception cref="DataFileException">It is missing, not a list of texts, or too short.</exception>
    public IReadOnlyList<string> Texts(string name, int min) => [.. Items(name, min).Select((item, index) => item.ValueKind == JsonValueKind.String
        ? Characters($"{name}[{index}]", item)
        : throw Wrong($"{name}[{index}]", item, "a text"))];

    /// <summary>An object as it stands in the line, in UTF-8.</summary>
    /// <exception cref="DataFileException">It is missing or not an object.</exception>
    public ReadOnlyMemory<byte> ObjectText(string name)
    {
        var value = Required(name);
        return value.ValueKind == JsonValueKind.Object ? JsonMarshal.GetRawUtf8Value(value).ToArray() : throw Wrong(name, value, "an object");
    }

    private JsonElement.ArrayEnumerator Items(string name, int min)
    {
        var value = Required(name);
        if (value.ValueKind != JsonValueKind.Array)
            throw Wrong(name, value, "a list");
        return value.GetArrayLength() >= min
            ? value.EnumerateArray()
            : throw new DataFileException($"{Location}: \"{Path}{name}\" has {value.GetArrayLength()} entries, expected at least {min}.");
    }

    private JsonElement Required(string name) => Find(name) ?? throw new DataFileException($"{Location}: \"{Path}{name}\" is missing");

    private JsonElement? Find(string name)
    {
        try
        {
            return Value.TryGetProperty(name, out var value) ? value : null;
        }
        catch (InvalidOperationException e)
        {
            throw new DataFileException($"{Location}: the name of a property beside \"{Path}{name}\" holds half of a surrogate pair, which is no character.", e);
        }
    }

    private string Characters(string name, JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new DataFileException($"{Location}: \"{Path}{name}\" holds half of a surrogate pair, which is no character.", e);
        }
    }

    private DataFileException Wrong(string name, JsonElement value, string expected) =>
        new($"{Location}: \"{Path}{name}\" is {Describe(value)}, expected {expected}.");

    [SuppressMessage("Style", "IDE0072:Add missing cases", Justification = "The rest name themselves.")]
    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => $"the number {Shorten(value.GetRawText())}",
        _ => value.GetRawText(),
    };

    private static string Shorten(string number) => number.Length <= 40 ? number : $"{number[..37]}...";
}
