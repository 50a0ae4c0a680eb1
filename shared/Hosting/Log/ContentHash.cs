using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// A hash of what an event says, kept beside it, so that a byte that changes later is found even where nothing is computed from it (a judgement's
/// words, a loss). PostgreSQL keeps JSON by value and not by its bytes, so the hash is over values: properties in ordinal order, texts
/// unescaped, numbers as their digits and exponent.
/// </summary>
public static class ContentHash
{
    /// <summary>The header that holds it.</summary>
    public const string Header = "content-sha256";

    /// <summary>Lower-case hex SHA-256 over the stored name and the JSON's value.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static string Of(string name, ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        var canonical = new ArrayBufferWriter<byte>(json.Length + 64);
        AddText(canonical, name);
        Add(canonical, document.RootElement);
        return Convert.ToHexStringLower(SHA256.HashData(canonical.WrittenSpan));
    }

    /// <summary>What was recorded with an event; null for one that was written without.</summary>
    public static string? Recorded(StoredEvent stored) => stored.Metadata.Headers?.GetValueOrDefault(Header);

    private static void Add(ArrayBufferWriter<byte> to, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                to.Write("{"u8);
                foreach (var property in value.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal))
                {
                    AddText(to, property.Name);
                    Add(to, property.Value);
                }

                to.Write("}"u8);
                break;
            case JsonValueKind.Array:
                to.Write("["u8);
                foreach (var item in value.EnumerateArray())
                    Add(to, item);
                to.Write("]"u8);
                break;
            case JsonValueKind.String:
                AddText(to, value.GetString()!);
                break;
            case JsonValueKind.Number:
                AddNumber(to, value.GetRawText());
                break;
            default:
                to.Write(Encoding.ASCII.GetBytes(value.GetRawText())); // true, false, null
                break;
        }
    }

    // With its length in front, so that no two different values give the same bytes.
    private static void AddText(ArrayBufferWriter<byte> to, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        AddInteger(to, length);
        to.Write("\""u8);
        to.Advance(Encoding.UTF8.GetBytes(text, to.GetSpan(length)));
    }

    // 1E-05 and 0.00001 are one number: its digits without zeros around them, and the power of ten of the last digit.
    private static void AddNumber(ArrayBufferWriter<byte> to, string number)
    {
        var mark = number.IndexOfAny(['e', 'E']);
        var mantissa = mark < 0 ? number : number[..mark];
        var exponent = mark < 0 ? 0 : int.Parse(number.AsSpan(mark + 1), System.Globalization.CultureInfo.InvariantCulture);
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
            exponent -= mantissa.Length - point - 1;
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('-').TrimStart('0');
        var significant = digits.TrimEnd('0');
        to.Write(mantissa.StartsWith('-') && significant.Length > 0 ? "-"u8 : "+"u8);
        to.Write(Encoding.ASCII.GetBytes(significant));
        to.Write("e"u8);
        AddInteger(to, significant.Length == 0 ? 0 : exponent + digits.Length - significant.Length);
    }

    private static void AddInteger(ArrayBufferWriter<byte> to, int value)
    {
        Utf8Formatter.TryFormat(value, to.GetSpan(16), out var written);
        to.Advance(written);
    }
}
