using SelfRewarding.Hosting;

namespace SelfRewarding.Control.ReadModels;

/// <summary>
/// Folds the log into the tables from where they stand. Rows, states and position are committed together, so that a projection that was
/// killed anywhere goes on exactly behind the last fact that is in the tables.
/// </summary>
/// <param name="written">Told each position that the tables have reached.</param>
public sealed class ReadModelProjection(RunLog log, ReadModelStore store, Action<long>? written = null)
{
    private const int MostAtOnce = 1000;

    /// <summary>Folds what the log has now.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        var fold = await store.LoadAsync(null, cancellationToken);
        await ProjectAsync(fold, stop => log.ReadAllAsync(fold.Position, null, stop), cancellationToken);
    }

    /// <summary>Folds what the log has, and then every fact as it is committed, until cancelled.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        var fold = await store.LoadAsync(null, cancellationToken);
        await ProjectAsync(fold, stop => log.FollowAsync(fold.Position, null, stop), cancellationToken);
    }

    // A batch is what is there without waiting: one fact when little happens, many when much does.
    private async Task ProjectAsync(RunFold fold, Func<CancellationToken, IAsyncEnumerable<Recorded>> read, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var facts = read(stop.Token).GetAsyncEnumerator(stop.Token);
        var taken = 0;
        while (true)
        {
            var next = facts.MoveNextAsync();
            if (next.IsCompleted || !fold.IsWhole)
            {
                if (!await next)
                    break;
            }
            else if (!await SaveWhileAsync(next.AsTask(), fold, stop))
            {
                return;
            }

            if (taken >= MostAtOnce && facts.Current.Position != fold.Position)
                await SaveAsync(fold, cancellationToken);
            taken = fold.Written == fold.Position ? 1 : taken + 1;
            fold.Apply(facts.Current);
        }

        await SaveAsync(fold, cancellationToken);
    }

    // While the batch is written, the next facts are read.
    private async Task<bool> SaveWhileAsync(Task<bool> next, RunFold fold, CancellationTokenSource stop)
    {
        try
        {
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
        await store.SaveAsync(fold, cancellationToken);
        LogTelemetry.Reached("read-models", fold.Written);
        written?.Invoke(fold.Written);
    }
}
