namespace SelfRewarding.Model;

/// <summary>
/// Byte-pair merging over ids: the pair of neighbours with the lowest rank merges first, the leftmost of equals. A queue over a linked list, so that a text without
/// pre-tokenization (SentencePiece kind) costs n log n.
/// </summary>
internal sealed class BytePairMerger(IReadOnlyDictionary<(int Left, int Right), (int Rank, int Merged)> merges)
{
    /// <summary>Merges <paramref name="symbols"/> as far as the rules go and appends the outcome to <paramref name="output"/>.</summary>
    public void Merge(ReadOnlySpan<int> symbols, List<int> output)
    {
        if (merges.Count == 0 || symbols.Length < 2)
        {
            output.AddRange(symbols);
            return;
        }

        var n = symbols.Length;
        var ids = symbols.ToArray();
        var previous = new int[n];
        var next = new int[n];
        var queue = new PriorityQueue<(int Position, int Left, int Right, int Merged), (int Rank, int Position)>();
        for (var i = 0; i < n; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1 < n ? i + 1 : -1;
        }

        for (var i = 0; i + 1 < n; i++) Propose(i);

        while (queue.TryDequeue(out var pair, out _))
        {
            var right = ids[pair.Position] == pair.Left ? next[pair.Position] : -1;
            if (right < 0 || ids[right] != pair.Right) continue; // One of the two has merged with another neighbour since.
            ids[pair.Position] = pair.Merged;
            ids[right] = Gone;
            next[pair.Position] = next[right];
            if (next[right] >= 0) previous[next[right]] = pair.Position;
            if (previous[pair.Position] >= 0) Propose(previous[pair.Position]);
            Propose(pair.Position);
        }

        foreach (var id in ids)
        {
            if (id != Gone) output.Add(id);
        }

        void Propose(int left)
        {
            if (next[left] is >= 0 and var right && merges.TryGetValue((ids[left], ids[right]), out var merge))
                queue.Enqueue((left, ids[left], ids[right], merge.Merged), (merge.Rank, left));
        }
    }

    private const int Gone = -1;
}
