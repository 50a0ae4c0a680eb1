using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace SelfRewarding.Datasets;

/// <summary>
/// A JSON object whose bytes are the same on every machine, so that they can be hashed: properties in the order in which they were added,
/// no white space, texts escaped as RFC 8785 says (the least possible, in UTF-8), numbers in their shortest invariant form that reads
/// back the same.
/// </summary>
public sealed class CanonicalJson
{
    private readonly StringBuilder _text = new("{");

    public CanonicalJson Add(string name, string value) => AddRaw(name, () => AppendText(value));

    public CanonicalJson Add(string name, int value) => AddRaw(name, () => _text.Append(CultureInfo.InvariantCulture, $"{value}"));

    /// <exception cref="ArgumentException">The number is not finite: JSON has no such number.</exception>
    public CanonicalJson Add(string name, double value) => double.IsFinite(value)
        ? AddRaw(name, () => _text.Append(value.ToString("R", CultureInfo.InvariantCulture)))
        : throw new ArgumentException($"\"{name}\" is {value}, expected a finite number.", nameof(value));

    public CanonicalJson Add(string name, IReadOnlyList<string> values) => AddList(name, values, AppendText);

    public CanonicalJson Add(string name, IReadOnlyList<CanonicalJson> values) => AddList(name, values, value => _text.Append(value));

    /// <summary>The object as JSON.</summary>
    public override string ToString() => $"{_text}}}";

    /// <summary>Lower-case hex SHA-256 of the objects as JSON Lines, each line ending in <c>\n</c>.</summary>
    public static string Sha256(IEnumerable<CanonicalJson> lines) => Write(Stream.Null, lines);

    /// <summary>Writes JSON Lines.</summary>
    /// <returns>Lower-case hex SHA-256 of what was written.</returns>
    public static string Write(Stream stream, IEnumerable<CanonicalJson> lines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var line in lines)
        {
            var bytes = Encoding.UTF8.GetBytes($"{line}\n");
            hash.AppendData(bytes);
            stream.Write(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private CanonicalJson AddList<T>(string name, IReadOnlyList<T> values, Action<T> append) => AddRaw(name, () =>
    {
        _text.Append('[');
        for (var i = 0; i < values.Count; i++)
        {
            if (i > 0)
                _text.Append(',');
            append(values[i]);
        }

        _text.Append(']');
    });

    private CanonicalJson AddRaw(string name, Action appendValue)
    {
        if (_text.Length > 1)
            _text.Append(',');
        AppendText(name);
        _text.Append(':');
        appendValue();
        return this;
    }

    private void AppendText(string value)
    {
        _text.Append('"');
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => _text.Append("\\\""),
                '\\' => _text.Append("\\\\"),
                '\b' => _text.Append("\\b"),
                '\f' => _text.Append("\\f"),
                '\n' => _text.Append("\\n"),
                '\r' => _text.Append("\\r"),
                '\t' => _text.Append("\\t"),
                < ' ' => _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => _text.Append(c),
            };
        }

        _text.Append('"');
    }
}
