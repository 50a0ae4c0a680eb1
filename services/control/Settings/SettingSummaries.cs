using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Xml;
using System.Xml.Linq;
using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Settings;

/// <summary>What each setting means, in the words that stand where it is declared: the compiler writes them to a file beside the program.</summary>
public static class SettingSummaries
{
    private static readonly Lazy<IReadOnlyDictionary<string, string>> All = new(Load);

    /// <summary>The summary of a setting or, for a section, of its type, as one line; empty where there is none.</summary>
    public static string Of(PropertyInfo setting) => setting.PropertyType.Namespace == typeof(RunSettings).Namespace
        ? All.Value.GetValueOrDefault($"T:{setting.PropertyType.FullName}", "")
        : All.Value.GetValueOrDefault($"P:{setting.DeclaringType!.FullName}.{setting.Name}", "");

    /// <summary>The values that a setting may have, where they are limited: <c>0 to 1</c>.</summary>
    public static string? RangeOf(PropertyInfo setting) => setting.GetCustomAttribute<RangeAttribute>() is { } range
        ? string.Create(CultureInfo.InvariantCulture, $"{range.Minimum} to {range.Maximum}")
        : null;

    private static Dictionary<string, string> Load()
    {
        var file = Path.Combine(AppContext.BaseDirectory, $"{typeof(RunSettings).Assembly.GetName().Name}.xml");
        try
        {
            return XDocument.Load(file).Descendants("member").Where(member => member.Element("summary") is not null)
                .ToDictionary(member => member.Attribute("name")!.Value, member => Text(member.Element("summary")!), StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or XmlException)
        {
            throw new UserException($"The descriptions of the settings, {file}, cannot be read: {e.Message} Build the program again.", e);
        }
    }

    private static string Text(XElement summary)
    {
        var text = string.Concat(summary.DescendantNodes().Select(node => node switch
        {
            XText plain => plain.Value,
            XElement { Name.LocalName: "see" } see => Named(see.Attribute("cref")!.Value),
            _ => "",
        }));
        return string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    // A list of allowed values stands for itself; anything else is called by its name.
    private static string Named(string reference)
    {
        var dot = reference.LastIndexOf('.');
        var field = reference.StartsWith("F:", StringComparison.Ordinal) ? typeof(RunSettings).Assembly.GetType(reference[2..dot])?.GetField(reference[(dot + 1)..]) : null;
        return field?.GetValue(null) is IEnumerable<string> values ? string.Join(", ", values) : reference[(dot + 1)..];
    }
}
