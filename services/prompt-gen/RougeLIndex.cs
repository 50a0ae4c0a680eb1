using System.Runtime.InteropServices;

namespace SelfRewarding.PromptGen;

/// <summary>A text of an index and how near it is.</summary>
public readonly record struct RougeLMatch(string Text, double F1);

/// <summary>
/// Finds the text that is nearest by ROUGE-L among many, exactly, while comparing with few. With m words in the query and n in a text,
/// F1 &gt; t needs LCS &gt; t(m + n)/2, and the LCS is no longer than n or than the number of the query's words that the text has. So
/// k = ⌊m·t/(2−t)⌋ + 1 words at least are shared, and any m − k + l of the query's words hold l that are. Only the lists of the rarest so
/// many are gone through; a text is compared if its hits, and all the words not looked up, would be enough for its own length.
/// </summary>
public sealed class RougeLIndex
{
    // The longer a query, the more hits are asked of a text: looking up one more word costs less than comparing with what it rules out.
    private const int WordsPerFurtherHit = 6;

    private sealed record Entry(string Text, int[] Words);

    private readonly Dictionary<string, int> _vocabulary = new(StringComparer.Ordinal);
    private readonly List<List<int>> _entriesOfWord = [];
    private readonly List<Entry> _entries = [];

    // Scratch, so that a look-up allocates little: by entry, how many of the query's words hit it; by word, its places in the query as bits.
    private readonly List<int> _hits = [];
    private readonly List<int> _hit = [];
    private readonly List<ulong[]?> _positions = [];

    /// <summary>Adds a text. One without words matches nothing.</summary>
    public void Add(string text)
    {
        var words = RougeL.Words(text).Select(NumberOf).ToArray();
        foreach (var word in words.Distinct())
            _entriesOfWord[word].Add(_entries.Count);
        _entries.Add(new(text, words));
        _hits.Add(0);
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
        var shared = (int)(m * above / (2 - above) * (1 - 1e-9)) + 1;
        var lookedUp = Math.Min(m, m - shared + 1 + (m / WordsPerFurtherHit));
        CountHits(ids.OrderBy(Frequency).Take(lookedUp));

        SetPositions(ids);
        var positions = CollectionsMarshal.AsSpan(_positions);
        var v = new ulong[(m + 63) / 64];
        (int Entry, double F1) best = (-1, above);
        foreach (var entry in _hit)
        {
            var other = _entries[entry].Words;
            var most = Math.Min(_hits[entry] + m - lookedUp, other.Length);
            _hits[entry] = 0;
            if (RougeL.F1(most, m, other.Length) <= above)
                continue;
            var f1 = RougeL.F1(RougeL.LongestCommonSubsequence(positions, other, v), m, other.Length);
            if (f1 > best.F1 || (f1 == best.F1 && entry < best.Entry))
                best = (entry, f1);
        }

        foreach (var id in ids.Where(id => id >= 0))
            _positions[id] = null;
        return best.Entry < 0 ? null : new(_entries[best.Entry].Text, best.F1);
    }

    // A word that the query has twice hits twice: matching it twice is possible.
    private void CountHits(IEnumerable<int> words)
    {
        _hit.Clear();
        var hits = CollectionsMarshal.AsSpan(_hits);
        foreach (var word in words.Where(id => id >= 0))
        {
            foreach (var entry in _entriesOfWord[word])
            {
                if (hits[entry]++ == 0)
                    _hit.Add(entry);
            }
        }
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
