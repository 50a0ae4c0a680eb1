namespace SelfRewarding.Hosting;

/// <summary>
/// When what is outstanding goes onto the bus again: at the start, when the broker was away, and when the log has stood still from one look to the next. Once all of it was
/// sent, a log that goes on standing still waits for work in progress, and sending it again would only double it.
/// </summary>
internal sealed class Standstill
{
    private bool _isDue = true;
    private long _end = -1, _sentAt = -1;

    /// <summary>The broker was away, and may have come back empty.</summary>
    public void Reconnected() => _isDue = true;

    /// <summary>A look at where the log ends; whether it is time. It stays so until something was sent.</summary>
    public bool Look(long end)
    {
        _isDue |= end == _end && end != _sentAt;
        _end = end;
        return _isDue;
    }

    /// <summary>What is outstanding was sent.</summary>
    /// <param name="all">False where some was left alone because messages wait that may or may not be those: the next look tells.</param>
    public void Sent(bool all)
    {
        _isDue = false;
        if (all)
            _sentAt = _end;
    }
}
