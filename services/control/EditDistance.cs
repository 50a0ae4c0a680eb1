namespace SelfRewarding.Control;

/// <summary>How far two names are apart, so that a slip of the pen can be answered with what was meant.</summary>
internal static class EditDistance
{
    /// <summary>Levenshtein's distance: letters to add, to drop or to replace.</summary>
    public static int Between(string a, string b)
    {
        // One row at a time.
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

    /// <summary>The names that are nearest to one, the nearest first.</summary>
    public static IEnumerable<string> Nearest(string name, IEnumerable<string> names, int most) => names.OrderBy(known => Between(name, known)).Take(most);
}
