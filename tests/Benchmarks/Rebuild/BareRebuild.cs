using System.Text.Json;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.Control.Summary;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// What a rebuild cannot do without: one query that streams what the fold needs, in order, System.Text.Json, the same fold in memory, and the
/// same rows written. It knows nothing of late commits, of forks, of older facts, or of what the rows were before.
/// </summary>
internal static class BareRebuild
{
    private static readonly Dictionary<string, Type> _types = FactNames.ByType.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>Reads, folds and writes.</summary>
    public static async Task RunAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var runs = new SortedDictionary<string, RunSummary>(StringComparer.Ordinal);
        await using (var command = database.CreateCommand("select seq_id, type, data, timestamp from mt_events order by seq_id"))
        {
            command.CommandTimeout = 0;
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var fact = JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(2), _types[reader.GetString(1)])!;
                var name = RunSummary.RunOf(fact)!;
                if (!runs.TryGetValue(name, out var run))
                    runs[name] = run = new RunSummary(name);
                run.Apply(fact, reader.GetFieldValue<DateTimeOffset>(3), reader.GetInt64(0));
            }
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var table in ReadModelTables.All)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"delete from {table.Name}"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"insert into {table.Name} select * from json_populate_recordset(null::{table.Name}, $1::json)")
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = table.ToJson(runs.Values) } },
            });
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
