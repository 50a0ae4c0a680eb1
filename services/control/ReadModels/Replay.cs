using Npgsql;
using SelfRewarding.Control.Summary;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.ReadModels;

/// <summary>What a rebuild did.</summary>
/// <param name="Position">The position of the log that the tables were at, and are at again.</param>
/// <param name="Events">Events read up to there.</param>
/// <param name="Facts">Facts folded: a fork's first event stands for those that it shares.</param>
/// <param name="Runs">Runs folded.</param>
/// <param name="Rows">Rows written, by table.</param>
/// <param name="Difference">The first row that is not what it was, in words; null where all are the same to the byte.</param>
public sealed record ReplayReport(long Position, long Events, long Facts, int Runs, IReadOnlyList<(string Table, int Rows)> Rows, string? Difference);

/// <summary>
/// Drops the rows of a run, or of all, and makes them anew from the log, up to the position that they stood at: all in one transaction, so
/// that whoever reads meanwhile sees the old rows, and a rebuild that is killed has changed nothing. Who follows the log waits for it.
/// </summary>
public static class Replay
{
    /// <summary>Rebuilds.</summary>
    /// <param name="run">The run; null is all.</param>
    public static async Task<ReplayReport> RunAsync(NpgsqlDataSource database, string? run, CancellationToken cancellationToken)
    {
        await ReadModelSchema.EnsureAsync(database, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var position = await ReadModelStore.HoldAsync(connection, cancellationToken);
        var before = await ReadModelStore.DumpAsync(connection, run, cancellationToken);

        // Nothing up to the position can appear any more: a transaction that is open now does not shorten what is read.
        await using var store = new NpgsqlEventStore(database, TimeProvider.System, position);
        var log = new FactLog(store);
        var fold = await FoldAsync(new RunLog(log, new RunCatalog(log)), run, position, cancellationToken);
        await ReadModelStore.ReplaceAsync(connection, fold.Runs, run, cancellationToken);
        var after = await ReadModelStore.DumpAsync(connection, run, cancellationToken);
        await transaction.CommitAsync(cancellationToken);

        var rows = after.CountBy(line => line.Table).ToDictionary();
        return new ReplayReport(
            position, fold.Events, fold.Facts, fold.Runs.Count,
            [.. ReadModelTables.All.Select(table => (table.Name, rows.GetValueOrDefault(table.Name)))], FirstDifference(before, after));
    }

    /// <summary>Folds the log up to a position.</summary>
    private static async Task<RunFold> FoldAsync(RunLog log, string? run, long position, CancellationToken cancellationToken)
    {
        var fold = new RunFold(0, []);
        if (position == 0)
            return fold;
        await foreach (var recorded in log.ReadAllAsync(0, run, cancellationToken))
        {
            if (recorded.Position > position)
                break;
            if (run is null || RunSummary.RunOf(recorded.Fact) == run)
                fold.Apply(recorded);
        }

        return fold;
    }

    private static string? FirstDifference(IReadOnlyList<ReadModelLine> before, IReadOnlyList<ReadModelLine> after)
    {
        var were = before.ToDictionary(line => (line.Table, line.Key));
        foreach (var line in after)
        {
            if (!were.Remove((line.Table, line.Key), out var was))
                return $"{line.Table} has a new row ({line.Key}): {line.Row}";
            if (was.Row != line.Row)
                return $"{line.Table}, row ({line.Key}): was {was.Row}, is {line.Row}";
        }

        return before.FirstOrDefault(line => were.ContainsKey((line.Table, line.Key))) is { } lost ? $"{lost.Table} had a row ({lost.Key}) that the log does not give: {lost.Row}" : null;
    }
}
