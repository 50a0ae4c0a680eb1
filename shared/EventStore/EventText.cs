using System.Text.Json;

namespace SelfRewarding.EventStore;

/// <summary>What PostgreSQL can keep: text without U+0000, and JSON whose strings have none.</summary>
internal static class EventText
{
    private const int LongestType = 500;

    public static void Check(string stream, NewEvent e)
    {
        CheckType(stream, e.Type);
        Check(stream, "correlation id", e.Metadata.CorrelationId);
        Check(stream, "causation id", e.Metadata.CausationId);
        if (e.Metadata.Headers is { } headers)
        {
            foreach (var (name, value) in headers)
            {
                Check(stream, "name of a header", name);
                Check(stream, $"header '{name}'", value);
            }
        }

        CheckJson(stream, e.Type, e.Data);
    }

    public static void Check(EventCopy e)
    {
        CheckStream(e.Stream);
        CheckType(e.Stream, e.Type);
        Check(e.Stream, ".NET type", e.DotNetType);
        Check(e.Stream, "correlation id", e.CorrelationId);
        Check(e.Stream, "causation id", e.CausationId);
        CheckJson(e.Stream, e.Type, e.Data);
        if (e.Headers is { } headers)
            CheckJson(e.Stream, e.Type, headers);
    }

    public static void CheckStream(string stream)
    {
        ArgumentException.ThrowIfNullOrEmpty(stream);
        Check(stream, "name of the stream", stream);
    }

    private static void CheckType(string stream, string type)
    {
        if (type.Length is 0 or > LongestType)
            throw new ArgumentException($"The event type '{type}' for stream '{stream}' has {type.Length} characters, expected 1 to {LongestType}.");
        Check(stream, "type", type);
    }

    private static void CheckJson(string stream, string type, ReadOnlyMemory<byte> json)
    {
        if (FindNul(json.Span) is { } place)
        {
            throw new ArgumentException(
                $"Event '{type}' for stream '{stream}' has the character U+0000 in {place}, which PostgreSQL's jsonb cannot keep: remove or replace it before appending.");
        }
    }

    private static void Check(string stream, string what, string? text)
    {
        if (text is not null && text.Contains('\0'))
            throw new ArgumentException($"The {what} for stream '{stream.Replace("\0", "\\0")}' has the character U+0000, which PostgreSQL cannot keep: remove it.");
    }

    private static string? FindNul(ReadOnlySpan<byte> json)
    {
        // The only way that valid JSON writes it. Most data has no such bytes at all; in what has, \\u0000 is harmless.
        if (json.IndexOf("\\u0000"u8) < 0)
            return null;
        var property = "the data";
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
                continue;
            var text = reader.ValueIsEscaped ? reader.GetString()! : "";
            if (text.Contains('\0'))
                return reader.TokenType == JsonTokenType.PropertyName ? "the name of a property" : property;
            if (reader.TokenType == JsonTokenType.PropertyName)
                property = $"property '{reader.GetString()}'";
        }

        return null;
    }
}
