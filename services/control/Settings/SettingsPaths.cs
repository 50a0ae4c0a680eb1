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
        Leaves.Keys.Concat(Sections).MinBy(known => Math.Min(EditDistance(path, known), EditDistance(path, LastName(known)) + 0.5))!;

    private static bool IsSection(PropertyInfo property) => property.PropertyType.Namespace == typeof(RunSettings).Namespace;

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

    // Levenshtein's distance, one row at a time.
    private static double EditDistance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }

        return row[^1];
    }
}
