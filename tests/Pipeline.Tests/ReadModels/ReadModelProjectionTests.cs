using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.EventStore;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The read models beside transactions that commit late, or never, and beside processes that end anywhere.</summary>
public sealed class ReadModelProjectionTests(LogDatabase database) : IClassFixture<LogDatabase>
{
    [Fact]
    public async Task Every_committed_event_is_folded_exactly_once_and_in_order_beside_late_commits_kills_and_burnt_numbers()
    {
        await using var log = await database.CreateAsync();
        using var stop = new CancellationTokenSource();
        // An event that came out of order or twice would end it: RunFold refuses such.
        var following = new ReadModelProjection(log.Runs, log.Store).FollowAsync(stop.Token);
        await RecordedRuns.AppendAsync(log.Log, [new RunStarted("kata-7", SummaryExample.Settings, [])]);

        await using var late = await OpenPromptAsync(log, 0);
        await using var killed = await OpenPromptAsync(log, 1);
        await using var burnt = await OpenPromptAsync(log, 2);
        await RecordedRuns.AppendAsync(log.Log, [Prompt(3), Prompt(4)]);
        await UntilAsync(async () => await log.Store.PositionAsync(CancellationToken.None) == 1);
        (await GeneratedAsync(log)).ShouldBe(0, "what comes after an open transaction waits for it");

        await KillAsync(log, killed.Connection!.ProcessID);
        await burnt.RollbackAsync();
        await late.CommitAsync();
        await RecordedRuns.AppendAsync(log.Log, [Prompt(5)]);
        await UntilAsync(async () => await log.Store.PositionAsync(CancellationToken.None) == 7);

        (await GeneratedAsync(log)).ShouldBe(4);
        (await log.AskAsync<long>("select count(*) from mt_events where type = 'prompt_generated'")).ShouldBe(4);
        await StopAsync(following, stop);
        (await Replay.RunAsync(log.Database, null, CancellationToken.None)).Difference.ShouldBeNull();
    }

    [Fact]
    public async Task A_fork_that_is_the_log_s_last_event_is_written_while_the_log_rests()
    {
        await using var log = await database.CreateAsync();
        using var stop = new CancellationTokenSource();
        var following = new ReadModelProjection(log.Runs, log.Store).FollowAsync(stop.Token);
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        await RecordedRuns.AppendAsync(log.Log, [new RunStarted("fork", SummaryExample.Settings, [], new RunOrigin("kata-7", 2, ForkStage.Judgements))]);
        var end = await log.AskAsync<long>("select max(seq_id) from mt_events");
        await UntilAsync(async () => await log.Store.PositionAsync(CancellationToken.None) == end);
        (await log.AskAsync<long>("select count(*) from rm_models where run = 'fork' and published_at is not null")).ShouldBe(4);
        await StopAsync(following, stop);
    }

    [Fact]
    public async Task A_projection_that_is_killed_between_and_within_batches_goes_on_exactly_where_the_tables_are()
    {
        await using var log = await database.CreateAsync();
        var random = new Random(11);
        foreach (var facts in RecordedRuns.Interleaved("kata-7", "kata-8").Chunk(25))
        {
            await using var process = database.Open(log.Schema, "victim");
            using var stop = new CancellationTokenSource();
            var batches = random.Next(1, 4);
            var killing = random.Next(2) == 0;
            var dies = new ReadModelProjection(process.Runs, process.Store, _ =>
            {
                if (--batches == 0)
                    stop.Cancel();
            }, TimeSpan.Zero).FollowAsync(stop.Token);
            await RecordedRuns.AppendAsync(log.Log, facts);
            if (killing)
                await log.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'");
            await StopAsync(dies, stop);
        }

        await log.ReadModels.CatchUpAsync(CancellationToken.None);
        await ShouldBeTheWholeLogAsync(log);
    }

    [Fact]
    public async Task A_projection_whose_tables_another_one_went_on_with_writes_nothing_and_says_so()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7").Take(20));
        var stale = await log.Store.LoadAsync(null, CancellationToken.None);
        await log.ReadModels.CatchUpAsync(CancellationToken.None);
        var before = await log.DumpAsync();

        await foreach (var recorded in log.Runs.ReadAllAsync(0, null, CancellationToken.None))
            stale.Apply(recorded);

        await Should.ThrowAsync<ReadModelsMovedException>(() => log.Store.SaveAsync(stale, CancellationToken.None));
        (await log.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task An_event_that_was_folded_before_is_refused()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7").Take(2));
        var fold = new RunFold(0, []);
        await foreach (var recorded in log.Runs.ReadAllAsync(0, null, CancellationToken.None))
            fold.Apply(recorded);

        await foreach (var recorded in log.Runs.ReadAllAsync(0, null, CancellationToken.None))
            Should.Throw<InvalidOperationException>(() => fold.Apply(recorded)).Message.ShouldContain("each event is folded once, in order");
    }

    [Fact]
    public async Task Facts_that_keep_coming_are_written_when_a_reader_asks_and_not_one_by_one()
    {
        await using var log = await database.CreateAsync();
        await using var process = database.Open(log.Schema, "follower");
        await using var held = await StreamLock.TryAcquireAsync(process.Database, RunReadModels.Lock);
        var written = new List<long>();
        using var stop = new CancellationTokenSource();
        var following = new ReadModelProjection(process.Runs, process.Store, written.Add, TimeSpan.FromDays(1)).FollowAsync(stop.Token);
        var facts = RecordedRuns.Named("kata-7").ToList();

        await RecordedRuns.AppendAsync(log.Log, facts.Take(1));
        await UntilAsync(async () => await log.Store.PositionAsync(CancellationToken.None) == 1);
        await RecordedRuns.AppendAsync(log.Log, facts.Skip(1));
        written.ShouldBe([1], "the first fact after a quiet time is written at once, what follows waits for its pause of a day");

        (await log.ReadModels.CatchUpAsync(CancellationToken.None)).ShouldBeNull();
        (await log.Store.PositionAsync(CancellationToken.None)).ShouldBe(facts.Count);
        await StopAsync(following, stop);
        await ShouldBeTheWholeLogAsync(log);
    }

    [Fact]
    public async Task What_is_folded_when_a_host_stops_is_written_before_it_ends()
    {
        await using var log = await database.CreateAsync();
        using var service = new ReadModelService(log.Database, log.Runs, NullLogger<ReadModelService>.Instance);
        await service.StartAsync(CancellationToken.None);
        var facts = RecordedRuns.Named("kata-7").ToList();
        await AppendAndWaitAsync(log, [facts[0]]);

        await RecordedRuns.AppendAsync(log.Log, facts.Skip(1));
        await service.StopAsync(CancellationToken.None);

        (await log.AskAsync<string>("select state from rm_runs")).ShouldBe("completed with M3");
        await ShouldBeTheWholeLogAsync(log);
    }

    [Fact]
    public async Task Of_two_processes_one_projects_and_the_other_stands_by_and_takes_over()
    {
        await using var log = await database.CreateAsync();
        await using var one = database.Open(log.Schema, "first");
        await using var two = database.Open(log.Schema, "second");
        using var first = new ReadModelService(one.Database, one.Runs, NullLogger<ReadModelService>.Instance);
        using var second = new ReadModelService(two.Database, two.Runs, NullLogger<ReadModelService>.Instance);
        var facts = RecordedRuns.Named("kata-7").Chunk(30).ToList();

        await first.StartAsync(CancellationToken.None);
        await UntilAsync(async () => await HoldersAsync(log) == "first");
        await second.StartAsync(CancellationToken.None);
        await AppendAndWaitAsync(log, facts[0]);
        (await HoldersAsync(log)).ShouldBe("first");

        // Beside a process that projects, a command waits for it instead.
        await RecordedRuns.AppendAsync(log.Log, facts[1]);
        (await log.ReadModels.CatchUpAsync(CancellationToken.None)).ShouldBeNull();

        await first.StopAsync(CancellationToken.None);
        await AppendAndWaitAsync(log, facts[2]);
        (await HoldersAsync(log)).ShouldBe("second");

        // All its connections die at once, in the middle of its work: it takes the lock anew.
        await log.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'second'");
        await AppendAndWaitAsync(log, [.. facts.Skip(3).SelectMany(chunk => chunk)]);
        await second.StopAsync(CancellationToken.None);
        await ShouldBeTheWholeLogAsync(log);
    }

    [Fact]
    public async Task A_rebuild_beside_a_live_projection_makes_it_wait_and_disturbs_nothing()
    {
        await using var log = await database.CreateAsync();
        using var service = new ReadModelService(log.Database, log.Runs, NullLogger<ReadModelService>.Instance);
        await service.StartAsync(CancellationToken.None);
        foreach (var facts in RecordedRuns.Named("kata-7").Chunk(20))
        {
            var appending = RecordedRuns.AppendAsync(log.Log, facts);
            (await Replay.RunAsync(log.Database, null, CancellationToken.None)).Difference.ShouldBeNull();
            await appending;
        }

        await AppendAndWaitAsync(log, []);
        await service.StopAsync(CancellationToken.None);
        await ShouldBeTheWholeLogAsync(log);
    }

    // What the tables have is what one fold of the whole log, in memory and without a stop, comes to.
    private static async Task ShouldBeTheWholeLogAsync(LogUnderTest log)
    {
        var whole = new RunFold(0, []);
        await foreach (var recorded in log.Runs.ReadAllAsync(0, null, CancellationToken.None))
            whole.Apply(recorded);
        var tables = await log.Store.LoadAsync(null, CancellationToken.None);
        tables.Position.ShouldBe(whole.Position);
        whole.Runs.ShouldNotBeEmpty();
        JsonSerializer.Serialize(tables.Runs.Select(run => run.State)).ShouldBe(JsonSerializer.Serialize(whole.Runs.Select(run => run.State)));
        (await Replay.RunAsync(log.Database, null, CancellationToken.None)).Difference.ShouldBeNull();
    }

    private static async Task AppendAndWaitAsync(LogUnderTest log, IReadOnlyList<object> facts)
    {
        await RecordedRuns.AppendAsync(log.Log, facts);
        var target = await log.AskAsync<long>("select max(seq_id) from mt_events");
        await UntilAsync(async () => await log.Store.PositionAsync(CancellationToken.None) >= target);
    }

    private static Task<string> HoldersAsync(LogUnderTest log) => log.AskAsync<string>(
        """
        select coalesce(string_agg(a.application_name, ','), '') from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted and a.application_name in ('first', 'second')
        """);

    private static PromptGenerated Prompt(int ordinal) => new("kata-7", 1, ordinal, SummaryExample.Ref("M1"), "reverse: ab", "model", [], []);

    private static async Task<int> GeneratedAsync(LogUnderTest log) => await log.AskAsync<int>("select coalesce(sum(generated), 0)::int from rm_progress");

    /// <summary>Draws the next number and inserts a prompt under it; the transaction stays open.</summary>
    private static async Task<NpgsqlTransaction> OpenPromptAsync(LogUnderTest log, int ordinal)
    {
        var connection = await log.Database.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        var stream = StreamNames.Prompt("kata-7", 1, ordinal);
        await using var insert = new NpgsqlCommand(
            """
            insert into mt_streams (id, version) values (@stream, 1);
            insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp)
            values (nextval('mt_events_sequence'), gen_random_uuid(), @stream, 1, @data::jsonb, 'prompt_generated', now());
            """,
            connection, transaction);
        insert.Parameters.AddWithValue("stream", stream);
        insert.Parameters.AddWithValue("data", JsonSerializer.Serialize(Prompt(ordinal)));
        await insert.ExecuteNonQueryAsync();
        return transaction;
    }

    private static async Task KillAsync(LogUnderTest log, int process) =>
        (await log.AskAsync<bool>($"select pg_terminate_backend({process}, 60000)")).ShouldBeTrue();

    private static async Task StopAsync(Task projection, CancellationTokenSource stop)
    {
        await stop.CancelAsync();
        try
        {
            await projection;
        }
        catch (Exception e) when (e is OperationCanceledException or NpgsqlException)
        {
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> reached)
    {
        while (!await reached())
            await Task.Delay(10, TestContext.Current.CancellationToken);
    }
}
