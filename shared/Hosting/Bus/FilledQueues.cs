namespace SelfRewarding.Hosting;

/// <summary>
/// Queues that are left alone until they have drained. How many messages wait in a queue can be asked, which they are cannot; once none waits, whatever is still outstanding
/// and in nobody's hand is known to be lost, and only that is sent.
/// </summary>
internal sealed class FilledQueues
{
    private readonly HashSet<string> _filled = new(StringComparer.Ordinal);

    /// <summary>Whether a queue is left alone now: at least half of what may be missing waits in it, or it was so and it has not drained since.</summary>
    /// <param name="ready">Messages that wait in it and may be those.</param>
    /// <param name="missing">Messages that the log says should be in it, but for those that are known to be elsewhere.</param>
    public bool IsFilled(string queue, long ready, int missing)
    {
        if (ready == 0)
            _filled.Remove(queue);
        else if (2 * ready >= missing)
            _filled.Add(queue);
        return _filled.Contains(queue);
    }

    /// <summary>The broker was away, and may have come back with less in it.</summary>
    public void Clear() => _filled.Clear();
}
