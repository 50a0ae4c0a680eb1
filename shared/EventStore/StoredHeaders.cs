using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace SelfRewarding.EventStore;

/// <summary>An event's headers as they are stored, decoded when somebody looks: who folds a whole log looks at none.</summary>
/// <param name="json">A JSON object. Another writer's may have values that are no strings: those are given as their JSON.</param>
internal sealed class StoredHeaders(byte[] json) : IReadOnlyDictionary<string, string>
{
    private Dictionary<string, string>? _headers;

    public int Count => Headers.Count;

    public IEnumerable<string> Keys => Headers.Keys;

    public IEnumerable<string> Values => Headers.Values;

    // Two threads that look at once decode the same twice.
    private Dictionary<string, string> Headers => _headers ??= Decode();

    public string this[string key] => Headers[key];

    public bool ContainsKey(string key) => Headers.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value) => Headers.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => Headers.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private Dictionary<string, string> Decode()
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateObject().ToDictionary(
            header => header.Name,
            header => header.Value.ValueKind == JsonValueKind.String ? header.Value.GetString()! : header.Value.GetRawText());
    }
}
