using System.Runtime.CompilerServices;

namespace SelfRewarding.Model;

/// <summary>One merge rule: two neighbours become one. Its place in the list is its rank.</summary>
internal readonly record struct BytePairMerge(int Left, int Right, int Merged);

/// <summary>
/// Byte-pair merging over ids: the pair of neighbours with the lowest rank merges first, the leftmost of equals. Words, which are short, are merged where they lie; longer
/// texts through a queue over a linked list, so that a text without a space in it costs n log n.
/// </summary>
internal sealed class BytePairMerger
{
    private const int LongestWord = 48; // below it, looking through all pairs again costs less than a queue
    private const int Gone = -1, Never = int.MaxValue;

    private readonly BytePairMerge[] _merges;
    private readonly Dictionary<ulong, int> _ranks;
    private readonly ulong _size; // above every id in a rule

    /// <param name="merges">The rules, the first before all others. Of two rules for one pair the first holds.</param>
    public BytePairMerger(IReadOnlyList<BytePairMerge> merges)
    {
        _merges = [.. merges];
        _size = 1 + _merges.Aggregate(0UL, (most, merge) => Math.Max(most, (ulong)Math.Max(merge.Left, merge.Right)));
        _ranks = new Dictionary<ulong, int>(_merges.Length);
        for (var rank = 0; rank < _merges.Length; rank++) _ranks.TryAdd(Pair(_merges[rank].Left, _merges[rank].Right), rank);
    }

    /// <summary>Merges <paramref name="symbols"/> as far as the rules go, in place, and appends the outcome to <paramref name="output"/>.</summary>
    /// <returns>How many pairs were taken up, those included that were no more when their turn came: the work done.</returns>
    public int Merge(Span<int> symbols, List<int> output)
    {
        if (_merges.Length == 0 || symbols.Length < 2)
        {
            output.AddRange(symbols);
            return 0;
        }

        return symbols.Length <= LongestWord ? MergeWord(symbols, output) : MergeLong(symbols, output);
    }

    [SkipLocalsInit]
    private int MergeWord(Span<int> symbols, List<int> output)
    {
        Span<int> ranks = stackalloc int[LongestWord]; // of the pair that begins here
        var pairs = symbols.Length - 1;
        for (var i = 0; i < pairs; i++) ranks[i] = Rank(symbols[i], symbols[i + 1]);

        var taken = 0;
        while (pairs > 0)
        {
            var first = 0;
            for (var i = 1; i < pairs; i++)
            {
                if (ranks[i] < ranks[first]) first = i;
            }

            if (ranks[first] == Never) break;
            taken++;
            symbols[first] = _merges[ranks[first]].Merged;
            symbols[(first + 2)..(pairs + 1)].CopyTo(symbols[(first + 1)..]);
            ranks[(first + 1)..pairs].CopyTo(ranks[first..]);
            pairs--;
            if (first > 0) ranks[first - 1] = Rank(symbols[first - 1], symbols[first]);
            if (first < pairs) ranks[first] = Rank(symbols[first], symbols[first + 1]);
        }

        output.AddRange(symbols[..(pairs + 1)]);
        return taken;
    }

    private int MergeLong(Span<int> symbols, List<int> output)
    {
        var n = symbols.Length;
        var (previous, next) = (new int[n], new int[n]);
        var proposals = new List<(int Position, ulong Order)>();
        for (var i = 0; i < n; i++)
        {
            (previous[i], next[i]) = (i - 1, i + 1);
            if (i + 1 < n && Rank(symbols[i], symbols[i + 1]) is not Never and var rank) proposals.Add((i, Order(rank, i)));
        }

        var queue = new PriorityQueue<int, ulong>(proposals);
        var taken = 0;
        for (; queue.TryDequeue(out var left, out var order); taken++)
        {
            var (merge, right) = (_merges[order >> 32], next[left]);
            if (right == n || symbols[left] != merge.Left || symbols[right] != merge.Right) continue; // One of the two has merged with another neighbour since.
            symbols[left] = merge.Merged;
            symbols[right] = Gone;
            next[left] = next[right];
            if (next[right] < n) previous[next[right]] = left;
            Propose(queue, symbols, previous[left], left);
            Propose(queue, symbols, left, next[left]);
        }

        foreach (var id in symbols)
        {
            if (id != Gone) output.Add(id);
        }

        return taken;
    }

    private void Propose(PriorityQueue<int, ulong> queue, ReadOnlySpan<int> symbols, int left, int right)
    {
        if (left >= 0 && right < symbols.Length && Rank(symbols[left], symbols[right]) is not Never and var rank) queue.Enqueue(left, Order(rank, left));
    }

    private int Rank(int left, int right) => (ulong)right < _size && _ranks.TryGetValue(Pair(left, right), out var rank) ? rank : Never;

    // Not the two halves of a number: their hash is the exclusive or, the same for many of the pairs that are most common.
    private ulong Pair(int left, int right) => ((ulong)left * _size) + (ulong)right;

    private static ulong Order(int rank, int position) => ((ulong)(uint)rank << 32) | (uint)position;
}
