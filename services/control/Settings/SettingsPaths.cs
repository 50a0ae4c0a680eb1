using System.Reflection;
using System.Text.Json;
using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Settings;

/// <summary>Every setting by its path, such as <c>dpo.beta</c>: the names that a settings file and <c>--set</c> may use.</summary>
public static class SettingsPaths
{
    /// <summary>The settings that hold a value, by path.</summary>
    public static IReadOnlyDictionary<string, PropertyInfo> Leaves { get; } =
        Walk(typeof(RunSettings), "").Where(entry => !IsSection(entry.Property)).ToDictionary(entry => entry.Path, entry => entry.Property, StringComparer.Ordinal);

    /// <summary>The settings that hold other settings, by path.</summary>
    public static IReadOnlySet<string> Sections { get; } =
        Walk(typeof(RunSettings), "").Where(entry => IsSection(entry.Property)).Select(entry => entry.Path).ToHashSet(StringComparer.Ordinal);

    /// <summary>The known path that an unknown one most resembles, so that a slip of the pen can be named: <c>dpo.betta</c>, or plain <c>beta</c>.</summary>
    public static string Nearest(string path) =>
        Leaves.Keys.Concat(Sections).MinBy(known => Math.Min(EditDistance.Between(path, known), EditDistance.Between(path, LastName(known)) + 0.5))!;

    /// <summary>Whether a property holds other settings.</summary>
    public static bool IsSection(PropertyInfo property) => property.PropertyType.Namespace == typeof(RunSettings).Namespace;

    private static string LastName(string path) => path[(path.LastIndexOf('.') + 1)..];

    private static IEnumerable<(string Path, PropertyInfo Property)> Walk(Type section, string prefix)
    {
        foreach (var property in section.GetProperties())
        {
            var path = prefix + JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            yield return (path, property);
            if (!IsSection(property)) continue;
            foreach (var inner in Walk(property.PropertyType, path + "."))
                yield return inner;
        }
    }
}
