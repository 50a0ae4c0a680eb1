using System.Text.Json;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>Facts as the log keeps them: System.Text.Json, property names as declared, stored names from <see cref="FactNames"/>.</summary>
public static class FactJson
{
    private static readonly JsonSerializerOptions Options = new();

    /// <summary>The event that records a fact.</summary>
    public static NewEvent ToEvent(object fact, EventMetadata metadata)
    {
        var type = fact.GetType();
        if (!FactNames.ByType.TryGetValue(type, out var name))
            throw new ArgumentException($"'{type.Name}' is no fact: FactNames does not list it.", nameof(fact));
        return new NewEvent(name, $"{type.FullName}, {type.Assembly.GetName().Name}", JsonSerializer.SerializeToUtf8Bytes(fact, type, Options), metadata);
    }

    /// <summary>The fact that an event records, or an <see cref="UnknownFact"/> for a name of a newer version.</summary>
    /// <exception cref="InvalidDataException">The stored JSON is not of the fact's shape.</exception>
    public static object FromEvent(StoredEvent stored)
    {
        if (!FactNames.ByName.TryGetValue(stored.Type, out var type))
            return new UnknownFact(stored.Type);
        try
        {
            return JsonSerializer.Deserialize(stored.Data.Span, type, Options)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Event {stored.Version} of stream '{stored.Stream}' is not a readable {stored.Type}: {e.Message}", e);
        }
    }
}

/// <summary>An event whose name this version does not know: carried along, never lost, never guessed at.</summary>
public sealed record UnknownFact(string Name);
