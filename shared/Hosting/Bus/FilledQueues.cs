namespace SelfRewarding.Hosting;

/// <summary>What waits in a queue, and what should.</summary>
/// <param name="Ready">Messages that wait in it and may be those that are missing.</param>
/// <param name="Missing">Messages that the log says should be in it, but for those that are known to be elsewhere.</param>
/// <param name="IsExact">No others should be in it: what waits was counted, and is not what is left when others' are taken off.</param>
internal readonly record struct QueueFill(string Queue, long Ready, int Missing, bool IsExact);

/// <summary>
/// Queues that are left alone until they have drained. How many messages wait in a queue can be asked, which they are cannot; once none waits, whatever is still outstanding
/// and in nobody's hand is known to be lost, and only that is sent.
/// </summary>
internal sealed class FilledQueues
{
    private readonly HashSet<string> _filled = new(StringComparer.Ordinal);

    /// <summary>Whether a queue is left alone now: at least half of what may be missing waits in it, or it was so and it has not drained since.</summary>
    public bool IsFilled(QueueFill fill)
    {
        if (fill.Ready == 0 || fill.Missing == 0)
        {
            _filled.Remove(fill.Queue);
            return false;
        }

        // A difference of two counts is a few too high while others are busy, and then it may never be 0: it decides for now only.
        var isHalfThere = 2 * fill.Ready >= fill.Missing;
        if (isHalfThere && fill.IsExact)
            _filled.Add(fill.Queue);
        return isHalfThere || _filled.Contains(fill.Queue);
    }

    /// <summary>The broker was away, and may have come back with less in it.</summary>
    public void Clear() => _filled.Clear();
}
