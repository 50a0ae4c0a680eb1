using System.Text.Json;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Settings;

/// <summary>A run keeps the settings that it was started with: what a later command asks for must be the same.</summary>
public static class SettingsDifferences
{
    /// <summary>
    /// One sentence for each setting that is asked for and differs from what the run's first event recorded. What is as its preset has it was
    /// not asked for: then the recorded value holds, also when a later version's preset says otherwise.
    /// </summary>
    public static IReadOnlyList<string> Between(RunSettings recorded, RunSettings asked)
    {
        var (before, after) = (JsonSerializer.SerializeToNode(recorded)!, JsonSerializer.SerializeToNode(asked)!);
        var preset = JsonSerializer.SerializeToNode(Presets.All[asked.Preset])!;
        return [.. SettingsPaths.Leaves.Keys
            .Select(path => (Path: path, Before: At(before, path), After: At(after, path)))
            .Where(setting => setting.Before != setting.After && setting.After != At(preset, setting.Path))
            .Select(setting => $"{setting.Path} is {setting.After}, but the run was started with {setting.Before}.")];
    }

    /// <summary>Every setting that differs, by path, with both values as JSON.</summary>
    public static IReadOnlyList<(string Path, string Before, string After)> All(RunSettings before, RunSettings after)
    {
        var (then, now) = (JsonSerializer.SerializeToNode(before)!, JsonSerializer.SerializeToNode(after)!);
        return [.. SettingsPaths.Leaves.Keys.Select(path => (path, At(then, path), At(now, path))).Where(setting => setting.Item2 != setting.Item3)];
    }

    private static string At(JsonNode root, string path) => path.Split('.').Aggregate((JsonNode?)root, (node, name) => Child(node!, name))?.ToJsonString() ?? "null";

    // What is not set may not be written at all.
    private static JsonNode? Child(JsonNode node, string name) =>
        node.AsObject().FirstOrDefault(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Key) == name).Value;
}
