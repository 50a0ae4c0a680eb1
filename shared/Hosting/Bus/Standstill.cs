namespace SelfRewarding.Hosting;

/// <summary>
/// When what is outstanding goes onto the bus again: everything at the start and when the broker was away, and a run's part when the run has stood still from one look to the
/// next. Each run stands still by itself: that another one is busy says nothing of messages that were lost. Once all of it was sent, a run that goes on standing still waits
/// for work in progress, and sending it again would only double it.
/// </summary>
internal sealed class Standstill
{
    // Runs that have gone on since all of theirs was sent: something of theirs may have been lost.
    private readonly HashSet<string> _unsure = new(StringComparer.Ordinal);
    private IReadOnlySet<string> _goneOn = new HashSet<string>();
    private bool _isAllDue = true;

    /// <summary>The broker was away, and may have come back empty.</summary>
    public void Reconnected() => _isAllDue = true;

    /// <summary>A look at which runs have gone on since the one before; whether it is time for one that has not. It stays so until something was sent.</summary>
    public bool Look(IReadOnlySet<string> goneOn)
    {
        _goneOn = goneOn;
        _unsure.UnionWith(goneOn);
        return _isAllDue || !_unsure.IsSubsetOf(goneOn);
    }

    /// <summary>Whether it is time for a run: where it is for one, it is for all that stand still.</summary>
    public bool IsDue(string run) => _isAllDue || !_goneOn.Contains(run);

    /// <summary>What is outstanding of the runs that were due was sent.</summary>
    /// <param name="leftAlone">Runs of which some was left alone, because it is in work or because messages wait that may or may not be those: the next look tells.</param>
    public void Sent(IReadOnlySet<string> leftAlone)
    {
        _isAllDue = false;
        _unsure.IntersectWith(_goneOn);
        _unsure.UnionWith(leftAlone);
    }
}
