using SelfRewarding.Contracts;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.Control.Verify;
using SelfRewarding.Control.View;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Check;

/// <summary>
/// Whether the log's database is what it must be, whichever runs are in it: its tables, the rules of the streams, and each event against the hash of its content. What follows
/// from what inside a run is <see cref="RunVerifier"/>'s to say.
/// </summary>
public sealed class DatabaseCheck(LogReader log, VerifyReport report)
{
    /// <summary>Checks everything; memory stays flat, however long the log is.</summary>
    /// <returns>What else there is to say, a sentence each.</returns>
    public async Task<IReadOnlyList<string>> CheckAsync(CancellationToken cancellationToken)
    {
        var notes = new List<string>();
        if (!Report("the log's tables are what they must be", await EventStoreSchema.CompareAsync(log.Database, cancellationToken), notes))
            return [.. notes, "The tables have to be put right first: what is in them was not checked."];
        if (!await ReadModelSchema.IsCurrentAsync(log.Database, cancellationToken))
            notes.Add("The read models are not made yet, or an older version's: the next 'selfreward show' makes them.");
        else if (Report("the read models' tables are what they must be", await ReadModelSchema.CompareAsync(log.Database, cancellationToken), notes))
            notes.Add(await ReadModelsStandAsync(cancellationToken));
        await foreach (var rule in LogRules.CheckAsync(log.Database, cancellationToken))
            report.Add(rule.Rule, rule.Checked, rule.Broken, rule.First?.Subject, rule.First?.Found, rule.First?.Expected);
        await CheckEventsAsync(notes, cancellationToken);
        return notes;
    }

    /// <returns>False where columns or sequences differ: no query over the tables makes sense then.</returns>
    private bool Report(string check, CatalogComparison comparison, List<string> notes)
    {
        var first = comparison.Differences is [var difference, ..] ? difference : null;
        report.Add(check, comparison.Checked, comparison.Differences.Count, first?.Item, first?.Found, first?.Expected);
        if (comparison.Others.Count > 0)
            notes.Add($"Another program has added to them: {string.Join(", ", comparison.Others)}.");
        return !comparison.Differences.Any(item => item.Item.StartsWith("column", StringComparison.Ordinal) || item.Item.StartsWith("sequence", StringComparison.Ordinal));
    }

    private async Task CheckEventsAsync(List<string> notes, CancellationToken cancellationToken)
    {
        var (streams, without, last) = (new StreamChecks(report, log.Store, FactNames.Versions), 0L, 0L);
        var end = await LogEnd.LastEventAsync(log.Database, cancellationToken);
        await foreach (var stored in log.Store.ReadAllAsync(0, cancellationToken))
        {
            last = stored.Position;
            streams.CheckEvent(stored);
            // At once: a log in which much is wrong must not fill the memory.
            streams.ReportContents();
            if (ContentHash.Recorded(stored) is null)
                without++;
        }

        // A transaction that has drawn a number and is still open holds back what comes after it.
        if (last < end)
            report.NotChecked($"events from position {Figures.Count(last + 1)} to {Figures.Count(end)}", "a transaction is open that may still write before them: check again when it has ended");
        if (without > 0)
            notes.Add($"{Figures.Count(without)} events have no hash of their content: an earlier version wrote them, or another program, so that a change in them is not seen here.");
    }

    private async Task<string> ReadModelsStandAsync(CancellationToken cancellationToken)
    {
        await using var command = log.Database.CreateCommand($"select last_seq_id, (select coalesce(max(seq_id), 0) from mt_events) from mt_event_progression where name = '{ReadModelSchema.Progression}'");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? $"The read models stand at position {Figures.Count(reader.GetInt64(0))} of {Figures.Count(reader.GetInt64(1))}."
            : "The read models have lost their position: the next 'selfreward show' makes them anew.";
    }
}
