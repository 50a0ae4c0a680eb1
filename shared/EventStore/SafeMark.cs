namespace SelfRewarding.EventStore;

/// <summary>
/// Up to which position a reader in global order may go.
/// <para>
/// Numbers are drawn from the sequence in one order and committed in another, so a reader that simply takes what it sees skips every event whose transaction commits
/// after a higher number. It may pass a number only when its event is visible, or no transaction is left that could still commit it.
/// PostgreSQL itself knows which could: <c>nextval</c> takes a lock on the sequence (ROW EXCLUSIVE, which hinders nobody) and keeps it to the end of the transaction,
/// whoever the writer is, so <c>pg_locks</c> lists exactly the transactions in flight that hold numbers. No writer has to wait, to register or to be one of ours, and the look costs the
/// server about 50 µs, with 16 writers as with none.
/// </para>
/// <para>
/// A reader asks, in this order: (1) the highest visible position <c>h</c>, (2) the writers in flight, (3) a page of events. Whoever drew a number up to <c>h</c> did so
/// before (1), so at (2) it is either listed, or has ended, and a commit is visible before its locks are gone: (3) sees it. Hence
/// no writers: everything up to <c>h</c> is settled. Otherwise: once each writer of that list has ended, everything up to that <c>h</c> is settled (the barrier); and until then
/// the events that follow the settled ones without a hole are safe, too, for a late number is a hole until it commits.
/// A killed writer's transaction ends with it, so the number that it burnt delays nobody.
/// </para>
/// <para>
/// What this cannot see is a writer that draws its numbers in one transaction and uses them in another, as Marten does in its "Rich" append mode; an
/// application that appends to this store while others follow it has to use Marten's "Quick" mode.
/// </para>
/// </summary>
internal sealed class SafeMark
{
    private long _barrier;
    private HashSet<string>? _writers;

    /// <summary>No event will ever appear at a position up to here that is not visible now.</summary>
    public long Settled { get; private set; }

    /// <summary>Begins at what is known to be settled.</summary>
    public SafeMark(long settled) => Settled = settled;

    /// <summary>Some position that has been seen is not settled yet.</summary>
    public bool IsWaiting => _writers is not null;

    /// <summary>Takes in one look at the database: first the highest position, then the writers in flight.</summary>
    public void Observe(long highest, IReadOnlyCollection<string> writers)
    {
        if (writers.Count == 0)
        {
            Settle(highest);
            _writers = null;
            return;
        }

        _writers?.IntersectWith(writers);
        if (_writers is null or { Count: 0 })
        {
            if (_writers is not null)
                Settle(_barrier);
            _barrier = highest;
            _writers = [.. writers];
        }
    }

    /// <summary>How many of these ascending positions may be passed by a reader that has passed <paramref name="after"/>.</summary>
    public int CountSafe(long after, IReadOnlyList<long> positions)
    {
        var last = Math.Max(after, Settled);
        for (var i = 0; i < positions.Count; i++)
        {
            if (positions[i] > Settled && positions[i] != last + 1)
                return i;
            last = Math.Max(last, positions[i]);
        }

        return positions.Count;
    }

    private void Settle(long position) => Settled = Math.Max(Settled, position);
}
