using System.Runtime.CompilerServices;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// The end of the log, read once for all followers of one process: each of them reads by itself what there was before it came, and then shares one connection,
/// one look and one decoding with the others. Who falls behind what is kept reads by itself again.
/// </summary>
/// <param name="dataSource">Where the log is.</param>
/// <param name="kept">How many of the last events are kept: a reader that writes read models may be some hundred events late.</param>
internal sealed class LogTail(NpgsqlDataSource dataSource, int kept = LogQueries.PageSize) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private SharedReading? _shared;

    /// <summary>The events after a position, for as long as the caller takes them.</summary>
    /// <param name="after">The last position that the caller has.</param>
    /// <param name="settled">A position up to which the log is known to be settled.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async IAsyncEnumerable<StoredEvent> FollowAsync(long after, long settled, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            SharedReading? shared = null;
            try
            {
                await using (var alone = new Follower(dataSource, settled))
                {
                    await foreach (var page in alone.ReadAsync(after, cancellationToken))
                    {
                        foreach (var e in page.Events)
                            yield return e;
                        after = page.Position;
                        if (!page.IsFull && (shared = Join(after)) is not null)
                            break;
                    }
                }

                while (await shared!.TakeAsync(after, cancellationToken) is { } page)
                {
                    foreach (var e in page.Events)
                        yield return e;
                    after = page.Position;
                }
            }
            finally
            {
                if (shared is not null)
                    await LeaveAsync(shared);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_shared is not null)
            await _shared.DisposeAsync();
    }

    // Null where the others are too far ahead of this position.
    private SharedReading? Join(long after)
    {
        lock (_lock)
        {
            if (_shared is { HasFailed: false })
                return _shared.TryJoin(after) ? _shared : null;
            _shared = new SharedReading(dataSource, after, kept);
            return _shared;
        }
    }

    private async Task LeaveAsync(SharedReading shared)
    {
        lock (_lock)
        {
            if (!shared.Leave())
                return;
            if (_shared == shared)
                _shared = null;
        }

        await shared.DisposeAsync();
    }
}
