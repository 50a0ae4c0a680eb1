using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Reads the log as it grows for several readers, and keeps the last events for those who are a little behind.</summary>
internal sealed class SharedReading : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<StoredEvent> _events = [];
    private readonly int _kept;
    private readonly Task _reading;

    private TaskCompletionSource _more = NewSignal();
    private long _from;
    private long _position;
    private int _readers = 1;

    /// <summary>Begins behind a position, with one reader.</summary>
    /// <param name="dataSource">Where the log is.</param>
    /// <param name="after">A position up to which the log is settled.</param>
    /// <param name="kept">How many of the last events are kept.</param>
    public SharedReading(NpgsqlDataSource dataSource, long after, int kept)
    {
        (_from, _position, _kept) = (after, after, kept);
        _reading = Task.Run(() => ReadAsync(dataSource, after));
    }

    /// <summary>The database was away for too long: whoever reads on is told so, and nobody else may join.</summary>
    public bool HasFailed => _reading.IsCompleted;

    /// <summary>One more reader, unless what follows its position is no longer kept.</summary>
    public bool TryJoin(long after)
    {
        lock (_lock)
        {
            if (after < _from)
                return false;
            _readers++;
            return true;
        }
    }

    /// <summary>One reader fewer; true where that was the last.</summary>
    public bool Leave()
    {
        lock (_lock)
            return --_readers == 0;
    }

    /// <summary>Ends the reading.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_reading);
    }

    /// <summary>What follows a position, as soon as there is something; null where it is no longer kept.</summary>
    public async Task<GlobalPage?> TakeAsync(long after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (after < _from)
                    return null;
                if (after < _position)
                    return new GlobalPage(_events.GetRange(IndexAfter(after), _events.Count - IndexAfter(after)), _position, IsFull: false);
                more = _more.Task;
            }

            await more.WaitAsync(cancellationToken);
        }
    }

    private async Task ReadAsync(NpgsqlDataSource dataSource, long after)
    {
        try
        {
            await using var follower = new Follower(dataSource, after);
            await foreach (var page in follower.ReadAsync(after, _stop.Token))
            {
                if (page.Position > _position)
                    Add(page);
            }
        }
        catch (Exception e)
        {
            lock (_lock)
                _more.TrySetException(e);
            throw;
        }
    }

    private void Add(GlobalPage page)
    {
        TaskCompletionSource waited;
        lock (_lock)
        {
            _events.AddRange(page.Events);
            _position = page.Position;
            if (_events.Count - _kept is > 0 and var passed)
            {
                _from = _events[passed - 1].Position;
                _events.RemoveRange(0, passed);
            }

            (waited, _more) = (_more, NewSignal());
        }

        waited.SetResult();
    }

    // The events' positions ascend.
    private int IndexAfter(long position)
    {
        var (low, high) = (0, _events.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _events[middle].Position <= position ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
