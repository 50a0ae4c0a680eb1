using System.Diagnostics;
using Npgsql;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// A rebuild of all read models from logs of three lengths, as <c>selfreward replay</c> does it, beside <see cref="BareRebuild"/> on the same database. The two take
/// turns and change who goes first. Both must write the same rows to the byte, and those that the tables had when they followed the log. Beside
/// it the time may not grow with the log, nor may the memory.
/// </summary>
public static class RebuildBenchmark
{
    // The same work ten times: a machine that does other things disturbs it by less than this.
    private const double MostGrowth = 1.5;

    private static readonly (int Events, int Rounds)[] _sizes = [(10_000, 9), (100_000, 5), (1_000_000, 3)];

    private sealed record Figures(int Events, double Rebuild, double Bare, MemoryPeak Memory);

    /// <summary>Makes a private cluster in a temporary folder, measures, and removes it.</summary>
    /// <exception cref="InvalidOperationException">Rows differ, or time or memory grow with the log.</exception>
    public static async Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        await TemporaryFolder.UseAsync("rebuild-benchmark", async folder =>
        {
            await using var cluster = await PrivateCluster.StartAsync(Path.Combine(folder, "cluster"), cancellationToken);
            await output.WriteLineAsync(
                "| events | bytes each | from nothing, s | rebuild, s | bare, s | ratio | rebuild, µs an event | bare, µs an event | managed peak, MiB | process grew, MiB |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
            var figures = new List<Figures>();
            foreach (var (events, rounds) in _sizes)
                figures.Add(await MeasureAsync(output, cluster, events, rounds, cancellationToken));
            CheckGrowth(figures);
            return figures;
        });
    }

    private static async Task<Figures> MeasureAsync(TextWriter output, PrivateCluster cluster, int events, int rounds, CancellationToken cancellationToken)
    {
        var schema = $"log_{events}";
        await using var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { SearchPath = schema });
        await using (var create = database.CreateCommand($"create schema {schema}"))
            await create.ExecuteNonQueryAsync(cancellationToken);
        await EventStoreSchema.EnsureAsync(database, cancellationToken);
        var bytes = await RecordedLog.FillAsync(database, events, cancellationToken);

        // The tables first follow the log, from nothing to its end: this is what every rebuild must come to.
        await using var store = new NpgsqlEventStore(database, TimeProvider.System);
        var log = new FactLog(store);
        var fromNothing = await TimeAsync(async () =>
        {
            if (await new RunReadModels(database, new RunLog(log, new RunCatalog(log))).CatchUpAsync(cancellationToken) is { } behind)
                throw new InvalidOperationException(behind);
        });
        var expected = await DumpAsync();

        // Once each without a clock: code is compiled at its first uses.
        await RebuildAsync();
        await BareAsync();
        var (rebuild, bare) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            if (round % 2 == 1)
                bare.Add(await TimeAsync(BareAsync));
            rebuild.Add(await TimeAsync(RebuildAsync));
            if (round % 2 == 0)
                bare.Add(await TimeAsync(BareAsync));
            if (!(await DumpAsync()).SequenceEqual(expected))
                throw new InvalidOperationException($"The bare rebuild of {events} events wrote other rows: the comparison is void.");
        }

        var memory = await MemoryPeak.OfAsync(RebuildAsync);
        var figures = new Figures(events, Median(rebuild), Median(bare), memory);
        await output.WriteLineAsync(
            $"| {events:N0} | {bytes:N0} | {fromNothing:F2} | {figures.Rebuild:F3} | {figures.Bare:F3} | {figures.Bare / figures.Rebuild:F2} | {figures.Rebuild / events * 1e6:F2} | {figures.Bare / events * 1e6:F2} " +
            $"| {memory.Managed / 1048576.0:F0} | {memory.WorkingSet / 1048576.0:F0} |");
        await using (var drop = database.CreateCommand($"drop schema {schema} cascade"))
            await drop.ExecuteNonQueryAsync(cancellationToken);
        return figures;

        Task BareAsync() => BareRebuild.RunAsync(database, cancellationToken);

        async Task RebuildAsync()
        {
            var report = await Replay.RunAsync(database, null, cancellationToken);
            if (report.Difference is { } difference || report.Events != events)
                throw new InvalidOperationException($"A rebuild of {events} events took {report.Events}, and: {report.Difference ?? "the rows are the same"}.");
        }

        async Task<IReadOnlyList<ReadModelLine>> DumpAsync()
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            return await ReadModelStore.DumpAsync(connection, null, cancellationToken);
        }
    }

    private static void CheckGrowth(List<Figures> figures)
    {
        // Between the two larger ones: the smallest is over before memory has been collected once, and what is done once weighs on it.
        var (before, after) = (figures[^2], figures[^1]);
        var memory = (double)after.Memory.Managed / before.Memory.Managed;
        var time = after.Rebuild / after.Bare / (before.Rebuild / before.Bare);
        if (memory > MostGrowth || time > MostGrowth)
        {
            throw new InvalidOperationException(
                $"From {before.Events:N0} to {after.Events:N0} events the managed peak grew {memory:F2} times, and the time in terms of the bare rebuild's {time:F2} times, expected at most {MostGrowth} for both.");
        }
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var started = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
