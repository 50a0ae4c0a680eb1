using System.Text.Json;
using Npgsql;
using SelfRewarding.Control.Summary;

namespace SelfRewarding.Control.ReadModels;

/// <summary>The tables of the read models: read, written and compared. Rows, states and position always change in one transaction.</summary>
public sealed class ReadModelStore(NpgsqlDataSource database)
{
    private const string ReadPosition = $"select last_seq_id from mt_event_progression where name = '{ReadModelSchema.Progression}'";

    /// <summary>Up to where the log is folded in the tables.</summary>
    public async Task<long> PositionAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(ReadPosition);
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Asks the process that follows the log to write what it has folded.</summary>
    public Task AskAsync(CancellationToken cancellationToken) => WriteRequests.SendAsync(database, cancellationToken);

    /// <summary>Calls back for each such request, until cancelled.</summary>
    public Task ListenAsync(Action asked, CancellationToken cancellationToken) => WriteRequests.ListenAsync(database, asked, cancellationToken);

    /// <summary>What to go on from: the summaries of every run, or of one, and their position.</summary>
    public async Task<RunFold> LoadAsync(string? run, CancellationToken cancellationToken)
    {
        // One statement sees one moment.
        await using var command = database.CreateCommand(
            $"select p.last_seq_id, s.state from mt_event_progression p left join rm_state s on $1::text is null or s.run = $1 where p.name = '{ReadModelSchema.Progression}'");
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = run });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (position, runs) = (0L, new List<RunSummary>());
        while (await reader.ReadAsync(cancellationToken))
        {
            position = reader.GetInt64(0);
            if (!reader.IsDBNull(1))
                runs.Add(new RunSummary(JsonSerializer.Deserialize<RunState>(reader.GetString(1))!));
        }

        return new RunFold(position, runs);
    }

    /// <summary>Writes what has changed, and the new position, in one transaction.</summary>
    /// <exception cref="ReadModelsMovedException">The tables are not where this fold left them: another process went on, or rebuilt them.</exception>
    public async Task SaveAsync(RunFold fold, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // A rebuild holds the position for as long as it takes: waiting for it is right.
        await using var batch = new NpgsqlBatch(connection, transaction) { Timeout = 0 };
        // Read models need not outlive a power failure: rows and position are lost together, and the log gives them again.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("set local synchronous_commit = off"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"update mt_event_progression set last_seq_id = $2, last_updated = now() where name = '{ReadModelSchema.Progression}' and last_seq_id = $1 returning 1")
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = fold.Written }, new NpgsqlParameter<long> { TypedValue = fold.Position } },
        });
        AddReplace(batch, fold.Changed, [.. fold.Changed.Select(run => run.Run)]);
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
                throw new ReadModelsMovedException($"The read models are no longer at position {fold.Written}: another process went on with them.");
        }

        await transaction.CommitAsync(cancellationToken);
        fold.MarkWritten();
    }

    /// <summary>Replaces the rows of some runs, within a transaction of the caller's.</summary>
    public static async Task ReplaceAsync(NpgsqlConnection connection, IReadOnlyList<RunSummary> runs, string? only, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
        AddReplace(batch, runs, only is null ? null : [only]);
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Locks the position, so that nobody goes on meanwhile, and returns it.</summary>
    public static async Task<long> HoldAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"{ReadPosition} for update", connection) { CommandTimeout = 0 };
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Every row of every table, or those of one run, ordered by key, in a text form in which equal rows are equal to the byte.</summary>
    public static async Task<IReadOnlyList<ReadModelLine>> DumpAsync(NpgsqlConnection connection, string? run, CancellationToken cancellationToken)
    {
        await using (var settings = new NpgsqlCommand("set local timezone = 'UTC'; set local datestyle = 'ISO'; set local extra_float_digits = 1", connection))
            await settings.ExecuteNonQueryAsync(cancellationToken);
        var lines = new List<ReadModelLine>();
        foreach (var table in ReadModelTables.All)
        {
            await using var command = new NpgsqlCommand(
                $"select concat_ws(' ', {table.Key}), t::text from {table.Name} t where $1::text is null or run = $1 order by {table.Key}", connection);
            command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = run });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                lines.Add(new ReadModelLine(table.Name, reader.GetString(0), reader.GetString(1)));
        }

        return lines;
    }

    private static void AddReplace(NpgsqlBatch batch, IReadOnlyList<RunSummary> runs, string[]? replaced)
    {
        foreach (var table in ReadModelTables.All)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"delete from {table.Name} where $1::text[] is null or run = any($1)")
            {
                Parameters = { new NpgsqlParameter<string[]?> { TypedValue = replaced } },
            });
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"insert into {table.Name} select * from json_populate_recordset(null::{table.Name}, $1::json)")
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = table.ToJson(runs) } },
            });
        }
    }
}

/// <summary>A row in its canonical form.</summary>
public sealed record ReadModelLine(string Table, string Key, string Row);

/// <summary>Somebody else writes the read models: load them again, and go on from there.</summary>
public sealed class ReadModelsMovedException(string message) : Exception(message);
