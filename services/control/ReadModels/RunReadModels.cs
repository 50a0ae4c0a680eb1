using System.Diagnostics;
using Npgsql;
using SelfRewarding.Control.Summary;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.ReadModels;

/// <summary>The read models as commands use them: brought up to date first, then read.</summary>
public sealed class RunReadModels(NpgsqlDataSource database, RunLog log)
{
    /// <summary>One process at a time projects: the one that holds this lock.</summary>
    public const string Lock = "read-models";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ReadModelStore _store = new(database);

    /// <summary>Brings the tables up to what the log has now, or waits until the process that follows the log has done so.</summary>
    /// <returns>Null, or a sentence where the tables could not be brought that far: a transaction is open, or that process does not go on.</returns>
    public async Task<string?> CatchUpAsync(CancellationToken cancellationToken)
    {
        await ReadModelSchema.EnsureAsync(database, cancellationToken);
        var (started, target) = (Stopwatch.GetTimestamp(), await EndOfLogAsync(cancellationToken));
        while (true)
        {
            var position = await _store.PositionAsync(cancellationToken);
            if (position >= target)
                return null;
            await using (var held = await StreamLock.TryAcquireAsync(database, Lock, cancellationToken))
            {
                if (held is not null)
                {
                    await new ReadModelProjection(log, _store).CatchUpAsync(cancellationToken);
                    position = await _store.PositionAsync(cancellationToken);
                    return position >= target ? null : Behind(position, target);
                }
            }

            if (Stopwatch.GetElapsedTime(started) > Patience)
                return Behind(position, target);
            await _store.AskAsync(cancellationToken);
            await Task.Delay(Pause, cancellationToken);
        }
    }

    /// <summary>How far the tables are behind the log: their position, and the log's.</summary>
    public async Task<(long Position, long End)> LagAsync(CancellationToken cancellationToken)
    {
        await ReadModelSchema.EnsureAsync(database, cancellationToken);
        return (await _store.PositionAsync(cancellationToken), await EndOfLogAsync(cancellationToken));
    }

    /// <summary>The summary of a run as the tables have it, and the position of the log that it is of.</summary>
    public async Task<(RunSummary Summary, long Position)> SummaryOfAsync(string run, CancellationToken cancellationToken)
    {
        var fold = await _store.LoadAsync(run, cancellationToken);
        return (fold.Runs is [var summary] ? summary : new RunSummary(run), fold.Position);
    }

    /// <summary>What there is to say of each run, by its beginning.</summary>
    public async Task<IReadOnlyList<RunListing>> RunsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select run, parent, started_at, preset, seed::text, state from rm_runs order by started_position, run");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var runs = new List<RunListing>();
        while (await reader.ReadAsync(cancellationToken))
        {
            runs.Add(new RunListing(
                reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), await reader.GetFieldValueAsync<DateTimeOffset>(2, cancellationToken),
                reader.GetString(3), reader.GetString(4), reader.GetString(5)));
        }

        return runs;
    }

    private static string Behind(long position, long target) =>
        $"The read models stand at event {position}, the log at {target}: a transaction is still open before that, or the process that keeps them does not go on.";

    // What is committed and visible; what commits later is none of this call's business.
    private Task<long> EndOfLogAsync(CancellationToken cancellationToken) => LogEnd.LastEventAsync(database, cancellationToken);
}

/// <summary>A line of <c>selfreward runs</c>.</summary>
public sealed record RunListing(string Run, string? Parent, DateTimeOffset StartedAt, string Preset, string Seed, string State);
