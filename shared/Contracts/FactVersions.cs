using System.Globalization;
using System.Text.Json.Nodes;

namespace SelfRewarding.Contracts;

/// <summary>How the stored JSON of an older shape of a fact becomes that of the next shape.</summary>
/// <param name="From">The stored name of the older shape: <c>run_started</c>, later <c>run_started_v2</c>.</param>
/// <param name="To">The stored name of the next one.</param>
/// <param name="Change">May change the object that it is given, or make another.</param>
public sealed record Upcast(string From, string To, Func<JsonObject, JsonObject> Change);

/// <summary>
/// The shapes in which facts were ever stored. The first shape of a fact has Marten's alias as its stored name, the second the same with <c>_v2</c>,
/// and so on, as Marten names schema versions. What is written has the newest name; what is read under an older name is upcast, step by step.
/// <para>A property that was added and may be missing needs no new shape: an older event then has its default.</para>
/// </summary>
public sealed class FactVersions
{
    private readonly IReadOnlyDictionary<Type, string> _newest;
    private readonly Dictionary<string, Type> _types;
    private readonly Dictionary<string, Upcast> _upcasts;

    /// <param name="newest">Every fact and the stored name of its newest shape.</param>
    /// <param name="upcasts">One for each older shape.</param>
    /// <exception cref="ArgumentException">A step is missing, there twice, or leads from a newest shape.</exception>
    public FactVersions(IReadOnlyDictionary<Type, string> newest, IReadOnlyList<Upcast> upcasts)
    {
        _newest = newest;
        _types = newest.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);
        _upcasts = [];
        foreach (var upcast in upcasts)
        {
            if (_types.ContainsKey(upcast.From) || !_upcasts.TryAdd(upcast.From, upcast))
                throw new ArgumentException($"'{upcast.From}' is a newest shape or upcast twice, expected one step from each older shape.", nameof(upcasts));
            var (from, to) = (Split(upcast.From), Split(upcast.To));
            if (from.Fact != to.Fact || from.Version + 1 != to.Version)
                throw new ArgumentException($"An upcast leads from '{upcast.From}' to '{upcast.To}', expected '{from.Fact}_v{from.Version + 1}'.", nameof(upcasts));
        }

        foreach (var name in _types.Keys.Concat(_upcasts.Keys))
        {
            var (fact, version) = Split(name);
            if (_upcasts.TryGetValue(name, out var upcast) && !_types.ContainsKey(upcast.To) && !_upcasts.ContainsKey(upcast.To))
                throw new ArgumentException($"'{name}' is upcast to '{upcast.To}', which is no shape of a fact.", nameof(upcasts));
            if (version > 1 && !_upcasts.ContainsKey(Join(fact, version - 1)))
                throw new ArgumentException($"'{name}' is version {version}, but no upcast leads there from '{Join(fact, version - 1)}'.", nameof(upcasts));
        }
    }

    /// <summary>Every stored name that can be read, newest and older.</summary>
    public IEnumerable<string> Names => _types.Keys.Concat(_upcasts.Keys);

    /// <summary>The stored name that a fact is written under; null for what is no fact.</summary>
    public string? NameOf(Type type) => _newest.GetValueOrDefault(type);

    /// <summary>The fact that a stored name stands for, in whatever shape; null for an unknown name.</summary>
    public Type? TypeOf(string name)
    {
        while (_upcasts.TryGetValue(name, out var upcast))
            name = upcast.To;
        return _types.GetValueOrDefault(name);
    }

    /// <summary>Whether what is stored under a name has to be upcast.</summary>
    public bool IsOlder(string name) => _upcasts.ContainsKey(name);

    /// <summary>The JSON of an older shape in the newest one.</summary>
    public JsonObject ToNewest(string name, JsonObject json)
    {
        while (_upcasts.TryGetValue(name, out var upcast))
            (name, json) = (upcast.To, upcast.Change(json));
        return json;
    }

    /// <summary>The fact's first name and the version of the shape: <c>run_started_v2</c> is <c>run_started</c> and 2.</summary>
    public static (string Fact, int Version) Split(string name)
    {
        var mark = name.LastIndexOf("_v", StringComparison.Ordinal);
        return mark > 0 && int.TryParse(name.AsSpan(mark + 2), NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version > 1
            ? (name[..mark], version)
            : (name, 1);
    }

    private static string Join(string fact, int version) => version == 1 ? fact : $"{fact}_v{version}";
}
