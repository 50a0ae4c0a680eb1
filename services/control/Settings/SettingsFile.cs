using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Control.Settings;

/// <summary>A settings file as read: its root object, or the sentence that says why there is none.</summary>
public sealed record SettingsFile(string Name, JsonObject? Root, string? Problem)
{
    /// <summary>The preset that the file asks for, if it says.</summary>
    public string? Preset => Root?["preset"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : null;

    /// <summary>The model folder that the file names, if it does.</summary>
    public string? ModelPath => (Root?["model"] as JsonObject)?["path"] is JsonValue value && value.TryGetValue<string>(out var path) ? path : null;

    public static SettingsFile Read(string path)
    {
        try
        {
            return Parse(path, File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(path, null, File.Exists(path) ? $"{path}: the settings file cannot be read: {e.Message}" : $"{path}: there is no such settings file.");
        }
    }

    public static SettingsFile Parse(string name, string json)
    {
        try
        {
            var options = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false };
            return JsonNode.Parse(json, documentOptions: options) is JsonObject root
                ? new(name, root, null)
                : new(name, null, $"{name}: expected a JSON object of settings such as {{\"dpo\": {{\"beta\": 0.2}}}}.");
        }
        catch (JsonException e)
        {
            // The message ends in its own "Path: … | LineNumber: … |": the place is said in front instead.
            var reason = e.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0].TrimEnd('.', ' ');
            return new(name, null, $"{name}{(e.LineNumber is { } line ? $":{line + 1}" : "")}: this is not JSON: {reason}.");
        }
    }
}
