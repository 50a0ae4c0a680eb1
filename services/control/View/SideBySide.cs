using Spectre.Console;

namespace SelfRewarding.Control.View;

/// <summary>A table of labelled rows with a narrow column for each subject; more subjects than fit side by side go into a further table.</summary>
/// <param name="subjects">The columns' headings.</param>
internal sealed class SideBySide(IReadOnlyList<string> subjects)
{
    private const int LabelWidth = 30;
    private const int ColumnWidth = 8;
    private const int Gap = 2;

    private readonly List<(string Label, IReadOnlyList<string?>? Cells)> _rows = [];

    /// <summary>The columns' headings.</summary>
    public IReadOnlyList<string> Subjects => subjects;

    /// <summary>The rows in order; one without cells is the title of those after it. A title without rows is left out.</summary>
    public IReadOnlyList<(string Label, IReadOnlyList<string?>? Cells)> Rows =>
        [.. _rows.Where((row, i) => row.Cells is not null || (i + 1 < _rows.Count && _rows[i + 1].Cells is not null))];

    /// <summary>Begins a group of rows.</summary>
    public void Section(string title) => _rows.Add((title, null));

    /// <summary>Adds a row, unless it has nothing to say of anyone.</summary>
    public void Row(string label, IEnumerable<string?> cells)
    {
        var row = cells.ToList();
        if (row.Any(cell => cell is not null)) _rows.Add((label, row));
    }

    public void Write(IAnsiConsole console)
    {
        var fitting = Math.Max(1, (console.Profile.Width - LabelWidth) / (ColumnWidth + Gap));
        for (var first = 0; first < subjects.Count; first += fitting)
            console.Write(Part(first, Math.Min(fitting, subjects.Count - first), Glyphs.For(console)));
    }

    private Grid Part(int first, int count, Glyphs glyphs)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().Width(LabelWidth).Padding(0, 0, 0, 0));
        for (var i = 0; i < count; i++)
            grid.AddColumn(new GridColumn().NoWrap().Width(ColumnWidth).RightAligned().Padding(Gap, 0, 0, 0));
        grid.AddRow([Text.Empty, .. subjects.Skip(first).Take(count).Select(subject => new Text(subject, new Style(decoration: Decoration.Bold)))]);

        foreach (var (label, cells) in Rows)
        {
            if (cells is not null)
                grid.AddRow([new Text("  " + label), .. cells.Skip(first).Take(count).Select(cell => new Text(cell ?? glyphs.None))]);
            else
                grid.AddRow([new Text(label, new Style(Color.Teal)), .. Enumerable.Repeat(Text.Empty, count)]);
        }

        return grid;
    }
}
