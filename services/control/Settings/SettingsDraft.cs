using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Settings;

/// <summary>
/// Settings in the making: a preset, then a file, then single values, later ones over earlier ones. Nothing throws on the way: every
/// problem is kept, so that a person sees all of them at once.
/// </summary>
public sealed class SettingsDraft(RunSettings preset)
{
    /// <summary>How settings are written: names in snake case, letters that can be read.</summary>
    internal static JsonSerializerOptions Json { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonObject _values = (JsonObject)JsonSerializer.SerializeToNode(preset, Json)!;
    private readonly List<string> _problems = [];
    private readonly Dictionary<string, string> _sources = new(StringComparer.Ordinal);

    /// <summary>Whether there is data of one's own so far, instead of Kata.</summary>
    public bool HasData => ((JsonObject)_values["data"]!)["ift"] is not null;

    /// <summary>Who set a value last, as it was called; null where it is as the preset has it.</summary>
    public string? SourceOf(string path) => _sources.GetValueOrDefault(path);

    /// <summary>Sets one value as text, such as <c>dpo.beta</c> to <c>0.2</c>.</summary>
    /// <param name="source">Where it was said, as the problem's sentence should name it: <c>--set dpo.beta=0.2</c>.</param>
    public void Set(string source, string path, string text)
    {
        if (!SettingsPaths.Leaves.TryGetValue(path, out var setting))
            AddUnknown(source, path);
        else if (SettingValue.TryRead(setting, text, out var value))
            Store(source, path, value);
        else
            _problems.Add($"{source}: {path} is '{text}', expected {SettingValue.Expected(setting)}.");
    }

    /// <summary>Lays a settings file over what is there: JSON, sections nested, comments and trailing commas welcome.</summary>
    public void Overlay(SettingsFile file)
    {
        if (file.Problem is { } problem) _problems.Add(problem);
        else if (file.Root is { } root) Overlay(file.Name, root, "");
    }

    public void AddProblem(string sentence) => _problems.Add(sentence);

    /// <summary>The settings, if they can be.</summary>
    /// <param name="mayLackData">Whether they are only looked at: then a model of one's own may have no data yet.</param>
    /// <exception cref="SettingsException">Anything was or is wrong, all of it.</exception>
    public RunSettings Build(bool mayLackData = false)
    {
        var settings = _values.Deserialize<RunSettings>(Json)!;
        string[] problems = [.. _problems, .. SettingsCheck.Problems(settings).Where(problem => !mayLackData || problem != SettingsCheck.ModelWithoutData)];
        return problems.Length == 0 ? settings : throw new SettingsException(problems);
    }

    private void Overlay(string file, JsonObject section, string prefix)
    {
        foreach (var (name, value) in section)
        {
            var path = prefix + name;
            if (SettingsPaths.Leaves.TryGetValue(path, out var setting))
            {
                if (SettingValue.Accepts(setting, value)) Store(file, path, value?.DeepClone());
                else _problems.Add($"{file}: {path} is {value?.ToJsonString() ?? "null"}, expected {SettingValue.Expected(setting)}.");
            }
            else if (!SettingsPaths.Sections.Contains(path))
            {
                AddUnknown(file, path);
            }
            else if (value is JsonObject inner)
            {
                Overlay(file, inner, path + ".");
            }
            else
            {
                _problems.Add($"{file}: {path} is {value?.ToJsonString() ?? "null"}, expected an object with settings such as {FirstOf(path)}.");
            }
        }
    }

    private void AddUnknown(string source, string path) => _problems.Add(SettingsPaths.Sections.Contains(path)
        ? $"{source}: '{path}' is a section, name one of its settings such as {FirstOf(path)}."
        : $"{source}: there is no setting '{path}', the nearest is '{SettingsPaths.Nearest(path)}'.");

    private static string FirstOf(string section) => SettingsPaths.Leaves.Keys.First(path => path.StartsWith(section + ".", StringComparison.Ordinal));

    private void Store(string source, string path, JsonNode? value)
    {
        _sources[path] = source;
        var names = path.Split('.');
        var section = names[..^1].Aggregate(_values, (inner, name) => (JsonObject)inner[name]!);
        section[names[^1]] = value;
    }
}
