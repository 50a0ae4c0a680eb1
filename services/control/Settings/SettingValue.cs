using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Control.Settings;

/// <summary>One setting's value on its way from text or JSON to the type that the setting has.</summary>
internal static class SettingValue
{
    /// <summary>What a setting may hold, in words: "a whole number".</summary>
    public static string Expected(PropertyInfo setting) => Describe(setting.PropertyType) + (MayBeNull(setting) ? " or null" : "");

    /// <summary>Takes a JSON value as it is if the setting can hold it.</summary>
    public static bool Accepts(PropertyInfo setting, JsonNode? value)
    {
        if (value is null) return MayBeNull(setting);
        var type = Nullable.GetUnderlyingType(setting.PropertyType) ?? setting.PropertyType;
        if (type == typeof(IReadOnlyList<string>))
            return value is JsonArray texts && texts.All(item => item?.GetValueKind() == JsonValueKind.String);
        if (type == typeof(IReadOnlyList<double>))
            return value is JsonArray numbers && numbers.All(item => item is JsonValue number && number.TryGetValue<double>(out var finite) && double.IsFinite(finite));
        return value is JsonValue scalar && scalar.GetValueKind() switch
        {
            JsonValueKind.String => type == typeof(string),
            JsonValueKind.True or JsonValueKind.False => type == typeof(bool),
            JsonValueKind.Number when type == typeof(int) => scalar.TryGetValue<int>(out _),
            JsonValueKind.Number when type == typeof(ulong) => scalar.TryGetValue<ulong>(out _),
            JsonValueKind.Number when type == typeof(double) => scalar.TryGetValue<double>(out var number) && double.IsFinite(number),
            _ => false,
        };
    }

    /// <summary>
    /// Reads what was written on the command line: text stands for itself, a list is separated by commas (or is a JSON array), <c>null</c>
    /// unsets what may be unset. False if the setting cannot hold it.
    /// </summary>
    public static bool TryRead(PropertyInfo setting, string text, out JsonNode? value)
    {
        value = null;
        if (text == "null" && MayBeNull(setting)) return true;

        var type = Nullable.GetUnderlyingType(setting.PropertyType) ?? setting.PropertyType;
        value = type switch
        {
            _ when type == typeof(string) => JsonValue.Create(text),
            _ when type == typeof(bool) && bool.TryParse(text, out var flag) => JsonValue.Create(flag),
            _ when type == typeof(int) && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => JsonValue.Create(whole),
            _ when type == typeof(ulong) && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var natural) => JsonValue.Create(natural),
            _ when type == typeof(double) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                => JsonValue.Create(number),
            _ when type == typeof(IReadOnlyList<string>) => ReadList(text, item => item),
            _ when type == typeof(IReadOnlyList<double>) =>
                ReadList(text, item => double.TryParse(item, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : item),
            _ => null,
        };
        return value is not null && Accepts(setting, value);
    }

    private static JsonNode? ReadList(string text, Func<string, JsonNode> read)
    {
        if (!text.StartsWith('['))
            return new JsonArray([.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(read)]);
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool MayBeNull(PropertyInfo setting) =>
        Nullable.GetUnderlyingType(setting.PropertyType) is not null
        || (!setting.PropertyType.IsValueType && new NullabilityInfoContext().Create(setting).WriteState == NullabilityState.Nullable);

    private static string Describe(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(int) => "a whole number",
        var t when t == typeof(ulong) => "a whole number from 0 up",
        var t when t == typeof(double) => "a finite number",
        var t when t == typeof(bool) => "true or false",
        var t when t == typeof(string) => "a text",
        var t when t == typeof(IReadOnlyList<double>) => "a list of numbers",
        _ => "a list of texts",
    };
}
