using System.Globalization;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// What read models cost a training beside which they are kept: the steps of one, at the speed of Kata's on two cores, without a projection, with one that writes after
/// every fact, and with one in its usual pace. In turns; a log of its own each. Processor time is this process's and all of PostgreSQL's (from <c>/proc</c>: Linux).
/// </summary>
public static class WritePaceBenchmark
{
    private const int Rounds = 3;
    private const int Steps = 150;

    private static readonly TimeSpan _step = TimeSpan.FromMilliseconds(60);
    private static readonly (string Name, TimeSpan? Pause)[] _ways = [("none", null), ("after every fact", TimeSpan.Zero), ("in its usual pace", WritePace.Usual)];

    private sealed record Cost(double Writes, double Client, double Server);

    /// <summary>Makes a private cluster in a temporary folder, measures, and removes it.</summary>
    public static async Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        var costs = await TemporaryFolder.UseAsync("pace-benchmark", async folder =>
        {
            await using var cluster = await PrivateCluster.StartAsync(Path.Combine(folder, "cluster"), cancellationToken);
            var costs = _ways.Select(_ => new List<Cost>()).ToList();
            for (var round = -1; round < Rounds; round++)
            {
                for (var way = 0; way < _ways.Length; way++)
                {
                    var cost = await MeasureAsync(cluster, $"turn_{round + 1}_{way}", _ways[way].Pause, cancellationToken);
                    // The first round warms up.
                    if (round >= 0)
                        costs[way].Add(cost);
                }
            }

            return costs;
        });

        await output.WriteLineAsync("| projection | writes a step | statements a step | this process, CPU ms a step | PostgreSQL, CPU ms a step | both, more than with none |\n|---|--:|--:|--:|--:|--:|");
        var none = Median(costs[0], cost => cost.Client + cost.Server);
        foreach (var (way, measured) in _ways.Zip(costs))
        {
            var (writes, both) = (Median(measured, cost => cost.Writes), Median(measured, cost => cost.Client + cost.Server));
            await output.WriteLineAsync(
                $"| {way.Name} | {writes:F2} | {writes * 2 * ReadModelTables.All.Count:F1} | {Median(measured, cost => cost.Client):F2} | {Median(measured, cost => cost.Server):F2} | {both - none:F2} |");
        }
    }

    private static async Task<Cost> MeasureAsync(PrivateCluster cluster, string schema, TimeSpan? pause, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { SearchPath = schema });
        await using (var create = database.CreateCommand($"create schema {schema}"))
            await create.ExecuteNonQueryAsync(cancellationToken);
        await EventStoreSchema.EnsureAsync(database, cancellationToken);
        await ReadModelSchema.EnsureAsync(database, cancellationToken);
        await using var events = new NpgsqlEventStore(database, TimeProvider.System);
        var (log, store, writes) = (new FactLog(events), new ReadModelStore(database), 0);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var following = pause is null
            ? Task.CompletedTask
            : new ReadModelProjection(new RunLog(log, new RunCatalog(log)), store, _ => writes++, pause).FollowAsync(stop.Token);
        var facts = new RecordedRun("kata-1", 2_000, Steps, 1).Facts().GetEnumerator();
        var versions = new Dictionary<string, long>(StringComparer.Ordinal);
        while (facts.MoveNext() && facts.Current.Fact is not TrainingStepped)
            await AppendAsync();

        var (wroteBefore, clientBefore, serverBefore) = (writes, Environment.CpuUsage.TotalTime, await ServerTimeAsync(database, cancellationToken));
        using var timer = new PeriodicTimer(_step);
        for (var step = 0; step < Steps && await timer.WaitForNextTickAsync(cancellationToken); facts.MoveNext())
        {
            await AppendAsync();
            step += facts.Current.Fact is TrainingStepped ? 1 : 0;
        }

        var (client, server) = (Environment.CpuUsage.TotalTime - clientBefore, await ServerTimeAsync(database, cancellationToken) - serverBefore);
        var cost = new Cost((double)(writes - wroteBefore) / Steps, client.TotalMilliseconds / Steps, server.TotalMilliseconds / Steps);
        await stop.CancelAsync();
        await following.ContinueWith(_ => { }, TaskScheduler.Default);
        return cost;

        async Task AppendAsync()
        {
            var (stream, fact) = facts.Current;
            await log.AppendAsync(stream, versions.GetValueOrDefault(stream), [fact], cancellationToken);
            versions[stream] = versions.GetValueOrDefault(stream) + 1;
        }
    }

    // Of every process that serves now. Those that ended meanwhile are missing: none does within a turn.
    private static async Task<TimeSpan> ServerTimeAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select array_agg(pid) from pg_stat_activity");
        var time = TimeSpan.Zero;
        foreach (var process in (int[])(await command.ExecuteScalarAsync(cancellationToken))!)
        {
            // Behind the name in parentheses: utime and stime are the 12th and 13th field, in hundredths of a second.
            var fields = (await File.ReadAllTextAsync($"/proc/{process}/stat", cancellationToken)).Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            time += TimeSpan.FromMilliseconds(10 * (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)));
        }

        return time;
    }

    private static double Median(List<Cost> costs, Func<Cost, double> of) => costs.Select(of).Order().ElementAt(costs.Count / 2);
}
