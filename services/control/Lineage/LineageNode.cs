using System.Globalization;
using Spectre.Console;

namespace SelfRewarding.Control.Lineage;

/// <summary>One thing in the tree: what it is, its id where it has one, what is known of it, and what it stands on or led to.</summary>
/// <param name="Kind">Such as <c>answer</c>.</param>
/// <param name="Id">What <c>selfreward lineage</c> takes; null where there is nothing more to ask.</param>
/// <param name="Text">A text that a model or person wrote, whole.</param>
/// <param name="Facts">Figures by name.</param>
public sealed record LineageNode(
    string Kind, string? Id, string? Text, IReadOnlyDictionary<string, object?> Facts, IReadOnlyList<LineageNode> Children)
{
    /// <summary>A node with its figures in order.</summary>
    public static LineageNode Of(string kind, string? id, string? text, IEnumerable<(string Name, object? Value)> facts, params IEnumerable<LineageNode> children) =>
        new(kind, id, text, new OrderedDictionary<string, object?>(facts.Where(fact => fact.Value is not null).Select(fact => KeyValuePair.Create(fact.Name, fact.Value))), [.. children]);

    /// <summary>Draws the tree.</summary>
    public void Write(IAnsiConsole console)
    {
        var tree = new Tree(Label()) { Guide = console.Profile.Capabilities.Unicode ? TreeGuide.Line : TreeGuide.Ascii };
        foreach (var child in Children)
            child.AddTo(tree);
        console.Write(tree);
    }

    private void AddTo(IHasTreeNodes parent)
    {
        var node = parent.AddNode(Label());
        foreach (var child in Children)
            child.AddTo(node);
    }

    private Paragraph Label()
    {
        var label = new Paragraph().Append(Kind, new Style(Color.Teal));
        if (Id is not null)
            label.Append($" {Id}", new Style(decoration: Decoration.Bold));
        if (Facts.Count > 0)
            label.Append("  " + string.Join(", ", Facts.Select(fact => $"{fact.Key} {Figure(fact.Value)}")));
        if (Text is not null)
            label.Append($"\n{Text}", new Style(Color.Yellow));
        return label;
    }

    private static string Figure(object? value) => value switch
    {
        double number => number.ToString("0.####", CultureInfo.InvariantCulture),
        IEnumerable<string> list => string.Join(" ", list),
        IFormattable figure => figure.ToString(null, CultureInfo.InvariantCulture),
        _ => value?.ToString() ?? "",
    };
}
