using System.Text.Json;
using SelfRewarding.Control.Summary;

namespace SelfRewarding.Control.ReadModels;

/// <summary>A table of the read models.</summary>
/// <param name="Name">In the log's schema.</param>
/// <param name="Key">Its key columns, by which its rows are ordered.</param>
/// <param name="Rows">What a run's summary has to say in it.</param>
public sealed record ReadModelTable(string Name, string Key, Func<RunSummary, IEnumerable<object>> Rows)
{
    // Columns are named as Grafana and psql users expect; doubles keep every bit.
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The rows of some runs, as <c>json_populate_recordset</c> takes them.</summary>
    public string ToJson(IEnumerable<RunSummary> runs) => JsonSerializer.Serialize(runs.SelectMany(Rows), Options);
}

/// <summary>Every table of the read models: rows are derived from <see cref="RunSummary"/>, the one fold.</summary>
public static class ReadModelTables
{
    /// <summary>What a projection goes on from after a restart, beside the rows and written with them.</summary>
    public static readonly ReadModelTable State = new("rm_state", "run", run => [new { run.Run, State = JsonSerializer.Serialize(run.State), run.Position }]);

    /// <summary>All tables, in the order in which they are written and compared.</summary>
    public static readonly IReadOnlyList<ReadModelTable> All =
    [
        new("rm_runs", "run", run => [RunRow.Of(run)]),
        new("rm_models", "run, model", run => run.Models.Select(model => ModelRow.Of(run, model))),
        new("rm_contests", "run, model, against", ContestRow.Of),
        new("rm_progress", "run, iteration", run => run.Iterations.Select(iteration => ProgressRow.Of(run, iteration))),
        new("rm_iteration_statistics", "run, iteration", run => run.Iterations.Select(iteration => IterationStatisticsRow.Of(run, iteration))),
        new("rm_drift", "run, iteration", run => run.Iterations.Select(iteration => DriftRow.Of(run, iteration))),
        new("rm_discards", "run, iteration, reason", run => run.Iterations.SelectMany(iteration => DiscardRow.Of(run, iteration))),
        State,
    ];
}
