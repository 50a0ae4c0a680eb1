using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Settings;

/// <summary>
/// A settings file to begin with: every setting with its meaning and the value that a preset gives it, as a comment. Who wants another value takes the slashes away; what stays a comment stays the preset's.
/// </summary>
public static class SettingsTemplate
{
    private const int Width = 160;

    /// <summary>JSON with comments, as <see cref="SettingsFile"/> reads it.</summary>
    public static string Of(RunSettings preset)
    {
        var text = new StringBuilder();
        var values = (JsonObject)JsonSerializer.SerializeToNode(preset, SettingsDraft.Json)!;
        Comment(text, "", $"Settings for 'selfreward run --settings FILE', from preset {preset.Preset}. Take the // from before a setting to change it.");
        text.Append("{\n");
        Comment(text, "  ", SettingSummaries.Of(typeof(RunSettings).GetProperty(nameof(RunSettings.Preset))!));
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"  \"preset\": \"{preset.Preset}\",\n");
        Section(text, typeof(RunSettings), values, "  ");
        return text.Append("}\n").ToString();
    }

    private static void Section(StringBuilder text, Type section, JsonObject values, string indent)
    {
        foreach (var property in section.GetProperties().Where(property => property.Name != nameof(RunSettings.Preset)))
        {
            var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            text.Append('\n');
            Comment(text, indent, Describe(property));
            if (SettingsPaths.IsSection(property))
            {
                text.Append(indent).Append('"').Append(name).Append("\": {\n");
                Section(text, property.PropertyType, (JsonObject)values[name]!, indent + "  ");
                text.Append(indent).Append("},\n");
            }
            else
            {
                text.Append(indent).Append("// \"").Append(name).Append("\": ").Append(values[name]?.ToJsonString(SettingsDraft.Json) ?? "null").Append(",\n");
            }
        }
    }

    private static string Describe(PropertyInfo property) =>
        SettingSummaries.RangeOf(property) is { } range ? $"{SettingSummaries.Of(property)} ({range})" : SettingSummaries.Of(property);

    private static void Comment(StringBuilder text, string indent, string words)
    {
        var line = indent + "//";
        foreach (var word in words.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length + 1 + word.Length > Width)
            {
                text.Append(line).Append('\n');
                line = indent + "//";
            }

            line += " " + word;
        }

        text.Append(line).Append('\n');
    }
}
