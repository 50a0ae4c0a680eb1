using System.Collections;

namespace SelfRewarding.Control.Settings;

/// <summary>Settings that the environment gives: <c>SELFREWARD__DPO__BETA=0.2</c> is <c>dpo.beta</c>, with two underscores for a point.</summary>
public static class SettingsEnvironment
{
    private const string Separator = "__";
    private const string Prefix = "SELFREWARD" + Separator;

    /// <summary>The variable that gives a setting.</summary>
    public static string VariableOf(string path) => Prefix + path.Replace(".", Separator, StringComparison.Ordinal).ToUpperInvariant();

    /// <summary>Whether a name is such a variable's.</summary>
    public static bool Is(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>What the environment gives, by name: the variable, the setting's path and its value as text.</summary>
    public static IReadOnlyList<(string Variable, string Path, string Text)> Given() =>
        [.. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(entry => (Variable: (string)entry.Key, Text: (string?)entry.Value ?? ""))
            .Where(entry => Is(entry.Variable))
            .OrderBy(entry => entry.Variable, StringComparer.Ordinal)
            .Select(entry => (entry.Variable, PathOf(entry.Variable), entry.Text))];

    private static string PathOf(string variable) => variable[Prefix.Length..].Replace(Separator, ".", StringComparison.Ordinal).ToLowerInvariant();
}
