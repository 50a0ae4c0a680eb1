using System.Text.Json;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Settings;

/// <summary>One setting in force.</summary>
/// <param name="Value">As JSON.</param>
/// <param name="From">Who decided it: <c>default</c>, a preset, a file, a variable, an option, or the model's files.</param>
public sealed record SettingOrigin(string Path, string Value, string From, string Summary);

/// <summary>Says of every setting what is in force and where that comes from.</summary>
public static class SettingsOrigins
{
    private static readonly JsonNode Defaults = Values(new());

    /// <summary>Of settings that a draft was built to.</summary>
    public static IReadOnlyList<SettingOrigin> Of(RunSettings settings, SettingsDraft draft)
    {
        var preset = Values(Presets.All[settings.Preset]);
        return All(settings, (path, value) => draft.SourceOf(path) is { } source ? Kind(source)
            : value != At(preset, path) ? "the model's files" : OfPreset(settings.Preset, path, value));
    }

    /// <summary>Of a run that was started: what its first event recorded.</summary>
    public static IReadOnlyList<SettingOrigin> Of(RunStarted started)
    {
        var preset = Presets.All.TryGetValue(started.Settings.Preset, out var known) ? Values(known) : null;
        return All(started.Settings, (path, value) => preset is not null && value == At(preset, path) ? OfPreset(started.Settings.Preset, path, value) : $"recorded in {started.Run}");
    }

    private static string Kind(string source) =>
        source.StartsWith("--", StringComparison.Ordinal) ? $"command line ({source.Split(' ')[0]})"
        : SettingsEnvironment.Is(source) ? $"environment ({source})"
        : $"file {source}";

    private static List<SettingOrigin> All(RunSettings settings, Func<string, string, string> from)
    {
        var values = Values(settings);
        return [.. SettingsPaths.Leaves.Select(leaf => (Path: leaf.Key, Value: At(values, leaf.Key), leaf.Value))
            .Select(leaf => new SettingOrigin(leaf.Path, leaf.Value, from(leaf.Path, leaf.Value), SettingSummaries.Of(leaf.Item3)))];
    }

    private static string OfPreset(string preset, string path, string value) => path != "preset" && value == At(Defaults, path) ? "default" : $"preset {preset}";

    private static JsonNode Values(RunSettings settings) => JsonSerializer.SerializeToNode(settings, SettingsDraft.Json)!;

    private static string At(JsonNode root, string path) => path.Split('.').Aggregate((JsonNode?)root, (node, name) => node![name])?.ToJsonString(SettingsDraft.Json) ?? "null";
}
