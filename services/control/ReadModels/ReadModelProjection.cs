using SelfRewarding.Hosting;

namespace SelfRewarding.Control.ReadModels;

/// <summary>
/// Folds the log into the tables from where they stand. Rows, states and position are committed together, so that a projection that was
/// killed anywhere goes on exactly behind the last fact that is in the tables.
/// </summary>
/// <param name="written">Told each position that the tables have reached.</param>
/// <param name="pause">The least time between two writes that no reader asks for; <see cref="WritePace.Usual"/> by default.</param>
public sealed class ReadModelProjection(RunLog log, ReadModelStore store, Action<long>? written = null, TimeSpan? pause = null)
{
    private readonly WritePace _pace = new(pause ?? WritePace.Usual, TimeProvider.System);

    /// <summary>Folds what the log has now.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        var fold = await store.LoadAsync(null, cancellationToken);
        await ProjectAsync(fold, stop => log.ReadAllAsync(fold.Position, null, stop), cancellationToken);
    }

    /// <summary>Folds what the log has, and then every fact as it is committed, until cancelled.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = store.ListenAsync(_pace.Ask, stop.Token);
        try
        {
            var fold = await store.LoadAsync(null, cancellationToken);
            await ProjectAsync(fold, facts => log.FollowAsync(fold.Position, null, facts), cancellationToken);
        }
        finally
        {
            await stop.CancelAsync();
            await listening;
        }
    }

    private async Task ProjectAsync(RunFold fold, Func<CancellationToken, IAsyncEnumerable<Recorded>> read, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var facts = read(stop.Token).GetAsyncEnumerator(stop.Token);
        while (true)
        {
            var next = facts.MoveNextAsync();
            var isWaiting = !next.IsCompleted && fold.IsWhole && fold.Written != fold.Position;
            if (!await (isWaiting ? SaveWhileAsync(next.AsTask(), fold, stop) : next.AsTask()))
                break;
            // Facts that come without a wait are written in pace, too.
            if (facts.Current.Position != fold.Position && _pace.IsDue)
                await SaveAsync(fold, cancellationToken);
            fold.Apply(facts.Current);
        }

        await SaveAsync(fold, cancellationToken);
    }

    // While the next fact is waited for, what is folded is written, if that is due before the fact comes.
    private async Task<bool> SaveWhileAsync(Task<bool> next, RunFold fold, CancellationTokenSource stop)
    {
        try
        {
            if (await _pace.IsDueBeforeAsync(next))
                await SaveAsync(fold, stop.Token);
        }
        catch
        {
            await stop.CancelAsync();
            await next.ContinueWith(_ => { }, TaskScheduler.Default);
            throw;
        }

        return await next;
    }

    private async Task SaveAsync(RunFold fold, CancellationToken cancellationToken)
    {
        if (fold.Written == fold.Position)
            return;
        _pace.Begin();
        await store.SaveAsync(fold, cancellationToken);
        LogTelemetry.Reached("read-models", fold.Written);
        written?.Invoke(fold.Written);
    }
}
