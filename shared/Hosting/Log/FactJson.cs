using System.Text.Json;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// Facts as the log keeps them: System.Text.Json, property names as declared, stored names from <see cref="FactNames"/>. A fact is written in its
/// newest shape and with the hash of its content; an older shape is upcast when read.
/// </summary>
public static class FactJson
{
    private static readonly JsonSerializerOptions Options = new();

    /// <summary>The event that records a fact.</summary>
    public static NewEvent ToEvent(object fact, EventMetadata metadata) => ToEvent(fact, metadata, FactNames.Versions);

    /// <summary>The event that records a fact of other shapes than this version's.</summary>
    public static NewEvent ToEvent(object fact, EventMetadata metadata, FactVersions versions)
    {
        var type = fact.GetType();
        var name = versions.NameOf(type) ?? throw new ArgumentException($"'{type.Name}' is no fact: FactNames does not list it.", nameof(fact));
        var data = JsonSerializer.SerializeToUtf8Bytes(fact, type, Options);
        var headers = new Dictionary<string, string>(metadata.Headers ?? new Dictionary<string, string>()) { [ContentHash.Header] = ContentHash.Of(name, data) };
        return new NewEvent(name, $"{type.FullName}, {type.Assembly.GetName().Name}", data, metadata with { Headers = headers });
    }

    /// <summary>The fact that an event records, or an <see cref="UnknownFact"/> for a name of a newer version.</summary>
    /// <exception cref="InvalidDataException">The stored JSON is not of the fact's shape.</exception>
    public static object FromEvent(StoredEvent stored) => FromEvent(stored, FactNames.Versions);

    /// <summary>The fact that an event records, where facts have other shapes than this version's.</summary>
    /// <exception cref="InvalidDataException">The stored JSON is not of the fact's shape.</exception>
    public static object FromEvent(StoredEvent stored, FactVersions versions)
    {
        if (versions.TypeOf(stored.Type) is not { } type)
            return new UnknownFact(stored.Type);
        try
        {
            var fact = versions.IsOlder(stored.Type)
                ? versions.ToNewest(stored.Type, JsonNode.Parse(stored.Data.Span) as JsonObject ?? throw new JsonException("it is no object.")).Deserialize(type, Options)
                : JsonSerializer.Deserialize(stored.Data.Span, type, Options);
            return fact ?? throw new JsonException("it is null.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new InvalidDataException($"Event {stored.Version} of stream '{stored.Stream}' is not a readable {stored.Type}: {e.Message}", e);
        }
    }
}

/// <summary>An event whose name this version does not know: carried along, never lost, never guessed at.</summary>
public sealed record UnknownFact(string Name);
