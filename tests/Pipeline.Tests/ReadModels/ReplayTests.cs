using SelfRewarding.Contracts;
using SelfRewarding.Control.ReadModels;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class ReplayTests(LogDatabase database) : IClassFixture<LogDatabase>
{
    [Fact]
    public async Task A_replay_of_all_runs_or_of_one_gives_every_row_to_the_byte()
    {
        await using var log = await database.CreateAsync();
        // Committed a few facts at a time, so that states have been written and read many times.
        foreach (var facts in RecordedRuns.Interleaved("kata-7", "kata", "kata-7-1").Chunk(17))
        {
            await RecordedRuns.AppendAsync(log.Log, facts);
            await log.ReadModels.CatchUpAsync(CancellationToken.None);
        }

        var before = await log.DumpAsync();
        before.CountBy(line => line.Table).ShouldBe(new Dictionary<string, int>
        {
            ["rm_runs"] = 3, ["rm_models"] = 15, ["rm_contests"] = 18, ["rm_progress"] = 6, ["rm_iteration_statistics"] = 6, ["rm_drift"] = 6, ["rm_discards"] = 18, ["rm_state"] = 3,
        }, ignoreOrder: true);

        var all = await Replay.RunAsync(log.Database, null, CancellationToken.None);
        (all.Difference, all.Runs, all.Events).ShouldBe((null, 3, await log.AskAsync<long>("select count(*) from mt_events")));
        (await log.DumpAsync()).ShouldBe(before);

        var one = await Replay.RunAsync(log.Database, "kata", CancellationToken.None);
        (one.Difference, one.Runs, one.Events).ShouldBe((null, 1, all.Events / 3));
        (await log.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task Every_column_is_filled_from_a_property_of_its_name()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, SummaryExample.Judging());
        await log.ReadModels.CatchUpAsync(CancellationToken.None);

        string[] mayBeNull = ["parent", "forked_at_iteration", "forked_from", "stop_reason", "eft_accepted", "eft_refused", "eft_thinned"];
        foreach (var table in ReadModelTables.All)
        {
            var columns = await log.AskAsync<string[]>($"select array_agg(attname::text) from pg_attribute where attrelid = '{table.Name}'::regclass and attnum > 0");
            foreach (var column in columns.Except(table.Name == "rm_runs" ? mayBeNull : []))
                (await log.AskAsync<long>($"select count({column}) from {table.Name}")).ShouldBeGreaterThan(0, $"{table.Name}.{column}");
        }

        (await log.AskAsync<double>("select pairwise_accuracy from rm_models where model = 'M2'")).ShouldBe(0.94);
        (await log.AskAsync<double>("select tie_rate from rm_drift where iteration = 2")).ShouldBe(0.25);
        (await log.AskAsync<string>("select state from rm_runs")).ShouldBe("completed with M3");
    }

    [Fact]
    public async Task A_row_that_is_not_what_the_log_says_is_named_and_put_right()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Interleaved("kata-7", "kata-8"));
        await log.ReadModels.CatchUpAsync(CancellationToken.None);
        var before = await log.DumpAsync();

        await log.ExecuteAsync("update rm_progress set settled = settled + 1 where run = 'kata-8' and iteration = 2");
        (await Replay.RunAsync(log.Database, "kata-7", CancellationToken.None)).Difference.ShouldBeNull("it is another run's");
        (await Replay.RunAsync(log.Database, null, CancellationToken.None)).Difference.ShouldNotBeNull().ShouldStartWith("rm_progress, row (kata-8 2): was (kata-8,2,4,4,4,4,5,1,");
        (await log.DumpAsync()).ShouldBe(before);

        await log.ExecuteAsync("delete from rm_drift where run = 'kata-7' and iteration = 1; insert into rm_discards values ('kata-7', 1, 'Whim', 1, 1)");
        (await Replay.RunAsync(log.Database, null, CancellationToken.None)).Difference.ShouldNotBeNull().ShouldStartWith("rm_drift has a new row (kata-7 1)");
        await log.ExecuteAsync("insert into rm_discards values ('kata-7', 1, 'Whim', 1, 1)");
        (await Replay.RunAsync(log.Database, null, CancellationToken.None)).Difference.ShouldNotBeNull().ShouldStartWith("rm_discards had a row (kata-7 1 Whim)");
        (await log.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task A_fork_is_folded_with_all_that_it_shares_though_its_first_event_is_the_log_s_last()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        await log.ReadModels.CatchUpAsync(CancellationToken.None);
        await RecordedRuns.AppendAsync(log.Log, [new RunStarted("fork", SummaryExample.Settings, [], new RunOrigin("kata-7", 2, ForkStage.Judgements))]);
        await log.ReadModels.CatchUpAsync(CancellationToken.None);

        (await log.AskAsync<long>("select count(*) from rm_models where run = 'fork' and published_at is not null")).ShouldBe(4);
        (await log.AskAsync<string>("select string_agg(concat_ws('/', iteration, generated, sampled, judged, settled), ' ' order by iteration) from rm_progress where run = 'fork'"))
            .ShouldBe("1/4/4/4/4 2/4/4/1/1");
        var before = await log.DumpAsync();
        (await Replay.RunAsync(log.Database, null, CancellationToken.None)).Difference.ShouldBeNull();
        (await Replay.RunAsync(log.Database, "fork", CancellationToken.None)).Difference.ShouldBeNull();
        (await log.DumpAsync()).ShouldBe(before);
        (await log.ReadModels.RunsAsync(CancellationToken.None)).Select(run => (run.Run, run.Parent)).ShouldBe([("kata-7", null), ("fork", "kata-7")]);
    }

    [Fact]
    public async Task A_transaction_that_is_open_beside_a_burnt_number_does_not_shorten_a_replay()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7").Take(10));
        await log.ExecuteAsync("select nextval('mt_events_sequence')");
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7").Skip(10));
        await log.ReadModels.CatchUpAsync(CancellationToken.None);

        await using var open = await log.Database.OpenConnectionAsync();
        await using var transaction = await open.BeginTransactionAsync();
        await using (var draw = new Npgsql.NpgsqlCommand("select nextval('mt_events_sequence')", open, transaction))
            await draw.ExecuteNonQueryAsync();

        (await Replay.RunAsync(log.Database, null, CancellationToken.None)).Difference.ShouldBeNull();
    }

    [Fact]
    public async Task Tables_of_another_version_are_made_anew_from_the_log()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        await log.ReadModels.CatchUpAsync(CancellationToken.None);
        var before = await log.DumpAsync();

        await log.ExecuteAsync("update selfreward_schema set version = 1 where part = 'read_models'; alter table rm_drift drop column tie_rate");
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => ReadModelSchema.EnsureAsync(log.Database, CancellationToken.None)));
        (await log.Store.PositionAsync(CancellationToken.None)).ShouldBe(0);
        await log.ReadModels.CatchUpAsync(CancellationToken.None);

        (await log.DumpAsync()).ShouldBe(before);
    }
}
