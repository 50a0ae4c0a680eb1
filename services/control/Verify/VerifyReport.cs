using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Control.Verify;

/// <summary>What is recorded is not what follows from what else is recorded.</summary>
/// <param name="Check">The rule that it breaks.</param>
/// <param name="Subject">Where, such as <c>prompt kata-1/1/17, judgement 2 of answer 0</c>.</param>
public sealed record Difference(string Check, string Subject, string Recorded, string Recomputed);

/// <summary>What was checked, how often, and what did not agree.</summary>
public sealed class VerifyReport
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<string> _checks = [];
    private readonly List<(string What, string Why)> _notChecked = [];
    private readonly Dictionary<string, (int Checked, int Different)> _counts = new(StringComparer.Ordinal);

    /// <summary>The checks in the order of their first use: how often each was made, and how often it found a difference.</summary>
    public IEnumerable<(string Check, int Checked, int Different)> Counts => _checks.Select(check => (check, _counts[check].Checked, _counts[check].Different));

    /// <summary>What could not be checked, and why.</summary>
    public IReadOnlyList<(string What, string Why)> Unchecked => _notChecked;

    /// <summary>The first difference, in full.</summary>
    public Difference? First { get; private set; }

    /// <summary>All differences.</summary>
    public int Differences => _counts.Values.Sum(count => count.Different);

    /// <summary>Compares what is recorded with what was recomputed, by value.</summary>
    public void Same(string check, string subject, object? recorded, object? recomputed)
    {
        var (left, right) = (Text(recorded), Text(recomputed));
        Count(check, left == right ? null : new Difference(check, subject, left, right));
    }

    /// <summary>Notes that a rule holds, or what breaks it.</summary>
    public void Holds(string check, string subject, bool holds, string recorded, string expected) =>
        Count(check, holds ? null : new Difference(check, subject, recorded, expected));

    /// <summary>Notes that something could not be checked: that is no difference, but nothing is said of it.</summary>
    public void NotChecked(string what, string why) => _notChecked.Add((what, why));

    private void Count(string check, Difference? difference)
    {
        if (_counts.TryAdd(check, default))
            _checks.Add(check);
        var (made, different) = _counts[check];
        _counts[check] = (made + 1, different + (difference is null ? 0 : 1));
        First ??= difference;
    }

    /// <summary>Takes over what was checked many at a time.</summary>
    /// <param name="check">The rule.</param>
    /// <param name="made">How often it was checked.</param>
    /// <param name="different">How often it did not hold.</param>
    /// <param name="subject">Where it first did not; null where it always held.</param>
    /// <param name="recorded">What is there.</param>
    /// <param name="expected">What the rule asks for.</param>
    public void Add(string check, long made, long different, string? subject, string? recorded, string? expected)
    {
        if (made == 0 && different == 0)
            return;
        Holds(check, subject ?? "", different == 0, recorded ?? "", expected ?? "");
        var (before, differentBefore) = _counts[check];
        _counts[check] = (before + (int)Math.Max(made, different) - 1, differentBefore + (int)Math.Max(0, different - 1));
    }

    private static string Text(object? value) => value as string ?? Ordered(JsonSerializer.SerializeToNode(value))?.ToJsonString(Readable) ?? "null";

    // jsonb keeps no order of names, so a dictionary comes back in another one than it was made in.
    private static JsonNode? Ordered(JsonNode? node) => node switch
    {
        JsonObject properties => new JsonObject(properties.OrderBy(property => property.Key, StringComparer.Ordinal).Select(property => KeyValuePair.Create(property.Key, Ordered(property.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Ordered)]),
        _ => node?.DeepClone(),
    };
}
