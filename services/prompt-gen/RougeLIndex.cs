using System.Runtime.InteropServices;

namespace SelfRewarding.PromptGen;

/// <summary>A text of an index and how near it is.</summary>
public readonly record struct RougeLMatch(string Text, double F1);

/// <summary>
/// Finds the text that is nearest by ROUGE-L among many, exactly, while comparing with few. With m words in the query and n in a text,
/// F1 &gt; t needs LCS &gt; t(m + n)/2, and LCS ≤ min(m, n). So
/// <list type="bullet">
/// <item>n lies strictly between m·t/(2−t) and m·(2−t)/t, and</item>
/// <item>at least k = ⌊m·t/(2−t)⌋ + 1 of the query's words are in the text; hence any m − k + 1 of them hold one that is, and the lists of
/// the rarest m − k + 1 words name every text that can match.</item>
/// </list>
/// </summary>
public sealed class RougeLIndex
{
    private sealed record Entry(string Text, int[] Words);

    private readonly Dictionary<string, int> _vocabulary = new(StringComparer.Ordinal);
    private readonly List<List<int>> _entriesOfWord = [];
    private readonly List<Entry> _entries = [];

    // Scratch, so that a look-up allocates little: when an entry was last compared, and the query's bits by word.
    private readonly List<int> _comparedBy = [];
    private readonly List<ulong[]?> _positions = [];
    private int _queries;

    /// <summary>Adds a text. One without words matches nothing.</summary>
    public void Add(string text)
    {
        var words = RougeL.Words(text).Select(NumberOf).ToArray();
        foreach (var word in words.Distinct())
            _entriesOfWord[word].Add(_entries.Count);
        _entries.Add(new(text, words));
        _comparedBy.Add(0);
    }

    /// <summary>The nearest text whose F1 is strictly above a bound; the one added first where several are as near.</summary>
    public RougeLMatch? Nearest(string text, double above)
    {
        var words = RougeL.Words(text);
        var m = words.Count;
        if (m == 0 || above >= 1)
            return null;
        var ids = words.Select(word => _vocabulary.GetValueOrDefault(word, -1)).ToArray();

        // A hair is taken off so that rounding can only let more texts through to the exact comparison.
        var shortest = m * above / (2 - above) * (1 - 1e-9);
        var rarest = ids.OrderBy(Frequency).Take(m - (int)shortest).Where(id => id >= 0).Distinct();
        _queries++;
        SetPositions(ids);
        var v = new ulong[(m + 63) / 64];
        (int Entry, double F1) best = (-1, above);
        foreach (var entry in rarest.SelectMany(id => _entriesOfWord[id]))
        {
            if (_comparedBy[entry] == _queries)
                continue;
            _comparedBy[entry] = _queries;
            var other = _entries[entry].Words;
            if (RougeL.F1(Math.Min(m, other.Length), m, other.Length) <= above)
                continue;
            var f1 = RougeL.F1(RougeL.LongestCommonSubsequence(CollectionsMarshal.AsSpan(_positions), other, v), m, other.Length);
            if (f1 > best.F1 || (f1 == best.F1 && entry < best.Entry))
                best = (entry, f1);
        }

        foreach (var id in ids.Where(id => id >= 0))
            _positions[id] = null;
        return best.Entry < 0 ? null : new(_entries[best.Entry].Text, best.F1);
    }

    private int Frequency(int id) => id < 0 ? 0 : _entriesOfWord[id].Count;

    private void SetPositions(int[] ids)
    {
        for (var i = 0; i < ids.Length; i++)
        {
            if (ids[i] >= 0)
                (_positions[ids[i]] ??= new ulong[(ids.Length + 63) / 64])[i / 64] |= 1UL << (i % 64);
        }
    }

    private int NumberOf(string word)
    {
        if (_vocabulary.TryGetValue(word, out var id))
            return id;
        _entriesOfWord.Add([]);
        _positions.Add(null);
        return _vocabulary[word] = _vocabulary.Count;
    }
}
