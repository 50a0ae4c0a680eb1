using MassTransit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

/// <summary>What goes onto a real RabbitMQ again from the log of a real PostgreSQL, and what does not.</summary>
public sealed class RecoveryTests : IAsyncLifetime
{
    private const int Patience = 180_000; // what waits for ever says so

    private static readonly ModelRef M1 = new("M1", "runs/r/models/M1", "aa");

    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-tests-").FullName;
    private PrivateBroker _node = null!;
    private PrivateCluster _cluster = null!;
    private NpgsqlDataSource _database = null!;
    private BrokerQueues _queues = null!;
    private BusProcess _bus = null!;

    public async ValueTask InitializeAsync()
    {
        Broker.SkipIfMissing();
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
        _node = await PrivateBroker.StartAsync(Path.Combine(_folder, "rabbitmq"), Token);
        _cluster = await PrivateCluster.StartAsync(Path.Combine(_folder, "postgres"), Token);
        _database = NpgsqlDataSource.Create(_cluster.ConnectionString);
        await EventStoreSchema.EnsureAsync(_database, Token);
        // The queues outlive the worker that declared them; whoever publishes here takes nothing out of them.
        await using (await BusProcess.StartAsync(_node.Address, bus => bus.AddConsumer<SamplerConsumer>()))
        {
        }

        _bus = await BusProcess.StartAsync(_node.Address, _ => { });
        _queues = await BrokerQueues.OpenAsync(_node.Address, Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_queues is not null)
        {
            await _queues.DisposeAsync();
            await _bus.DisposeAsync();
            await _database.DisposeAsync();
            await _cluster.DisposeAsync();
            await _node.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact(Timeout = Patience)]
    public async Task An_empty_queue_gets_all_that_is_outstanding_and_nothing_twice()
    {
        var log = await LogOfAsync(prompts: 3);
        var (one, other) = (RecoveryOf(log), RecoveryOf(log));

        await one.RepublishAsync("r", Token);
        await Broker.UntilAsync(_queues, "sampler", 3);
        await other.RepublishAsync("r", Token);
        (await LookAsync(other)).Single().ShouldBe("r", "three that wait may or may not be those three");

        (await _queues.PromptsInAsync("sampler", 10, Token)).Order().ShouldBe([("r", 1, 0), ("r", 1, 1), ("r", 1, 2)]);
    }

    [Fact(Timeout = Patience)]
    public async Task What_somebody_works_on_is_sent_again_only_once_he_is_gone()
    {
        var log = await LogOfAsync(prompts: 3);
        await using var worker = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_cluster.ConnectionString) { ApplicationName = "worker" });
        var hand = new WorkInHand(worker, Options);
        var (first, second) = (await hand.TakeAsync("r", 1, 0, Token), await hand.TakeAsync("r", 1, 1, Token));

        (await LookAsync(RecoveryOf(log))).Single().ShouldBe("r", "who works may die without the log's going on");
        await Broker.UntilAsync(_queues, "sampler", 1);
        (await _queues.PromptsInAsync("sampler", 10, Token)).ShouldBe([("r", 1, 2)]);

        // The one ends well, though nothing of it is recorded; the other is killed.
        await PurgeAsync("sampler");
        await first!.DisposeAsync();
        (await WorkInHand.AllAsync(_database, Token)).ShouldBe([WorkInHand.KeyOf("r", 1, 1)]);
        await using (var kill = _database.CreateCommand("select pg_terminate_backend(pid, 60000) from pg_stat_activity where application_name = 'worker'"))
            (await kill.ExecuteScalarAsync(Token)).ShouldBe(true);
        await RecoveryOf(log).RepublishAsync("r", Token);
        await Broker.UntilAsync(_queues, "sampler", 3);

        // Who lost the connection takes another one; what was held by the one that is gone is no matter.
        await using (await hand.TakeAsync("r", 1, 2, Token))
        {
            await second!.DisposeAsync();
            (await WorkInHand.AllAsync(_database, Token)).ShouldBe([WorkInHand.KeyOf("r", 1, 2)]);
        }

        (await WorkInHand.AllAsync(_database, Token)).ShouldBeEmpty();
    }

    [Fact(Timeout = Patience)]
    public async Task What_waits_in_an_error_queue_is_left_to_whoever_looks_there()
    {
        var log = await LogOfAsync(prompts: 2);
        await using (var worker = await BusProcess.StartAsync(_node.Address, bus => bus.AddConsumer<SamplerConsumer>()))
        {
            await worker.Bus.PublishFactAsync(Prompt(0), Token);
            (await worker.Taken.ReadAsync(Token)).Done.SetException(new InvalidOperationException("the model M1 is not on this machine"));
            await Broker.UntilAsync(_queues, "sampler_error", 1);
        }

        (await LookAsync(RecoveryOf(log))).ShouldBeEmpty();

        await Broker.UntilAsync(_queues, "sampler", 1);
        (await _queues.PromptsInAsync("sampler", 10, Token)).ShouldBe([("r", 1, 1)]);
        await Broker.UntilAsync(_queues, "sampler_error", 1);
    }

    [Fact(Timeout = Patience)]
    public async Task What_has_gone_on_meanwhile_is_sent_at_its_new_stage_and_a_log_that_was_read_is_not_read_again()
    {
        var log = await LogOfAsync(prompts: 2);
        var recovery = RecoveryOf(log);
        await recovery.RepublishAsync("r", Token);
        await Broker.UntilAsync(_queues, "sampler", 2);
        await PurgeAsync("sampler");

        // The run's first event is what says that there is a run: without it, only who has read it before can know.
        await using (var forget = _database.CreateCommand("delete from mt_events where stream_id = 'run-r'; delete from mt_streams where id = 'run-r'"))
            await forget.ExecuteNonQueryAsync(Token);
        await log.AppendStageAsync("r", 1, 0, PromptStage.Sampled, new CandidatesSampled("r", 1, 0, M1, []), Token);
        await using var process = await BusProcess.StartAsync(_node.Address, bus => bus.AddConsumer<HeadConsumer>());
        await recovery.RepublishAsync("r", Token);

        ((RunStarted)(await process.Taken.ReadAsync(Token)).Fact).Run.ShouldBe("r");
        await Broker.UntilAsync(_queues, "sampler", 1);
        (await _queues.PromptsInAsync("sampler", 10, Token)).ShouldBe([("r", 1, 1)]);
    }

    [Fact(Timeout = Patience)]
    public async Task A_run_that_stands_still_is_sent_again_though_another_one_is_busy_in_the_same_queue()
    {
        var log = await LogOfAsync(prompts: 4);
        await Facts.AppendOnceAsync(StreamNames.Run("busy"), RunStage.Started, new RunStarted("busy", new RunSettings(), []), Token);
        var (recovery, busy) = (RecoveryOf(log), 0);
        await recovery.LookAsync(Token);
        await Broker.UntilAsync(_queues, "sampler", 4);

        // The run goes on by a prompt that nobody was told of, and half of what it has is lost; what is left may be any of it, so that is waited for.
        await PurgeAsync("sampler");
        await log.AppendStageAsync("r", 1, 0, PromptStage.Sampled, new PromptDiscarded("r", 1, 0, DiscardReason.TooLong, "", [], []), Token);
        await LookWhileBusyAsync();
        await _bus.Bus.PublishFactAsync(Prompt(1), Token);
        await _bus.Bus.PublishFactAsync(Prompt(2), Token);
        await LookWhileBusyAsync();
        await Broker.UntilAsync(_queues, "sampler", 2 + busy);

        // What is left is done, while the other run's messages wait on.
        await PurgeAsync("sampler");
        for (var ordinal = 0; ordinal < busy; ordinal++)
            await _bus.Bus.PublishFactAsync(Busy(ordinal), Token);
        foreach (var ordinal in (int[])[1, 2])
            await log.AppendStageAsync("r", 1, ordinal, PromptStage.Sampled, new PromptDiscarded("r", 1, ordinal, DiscardReason.TooLong, "", [], []), Token);
        await LookWhileBusyAsync();
        await Broker.UntilAsync(_queues, "sampler", busy);
        await LookWhileBusyAsync();
        await Broker.UntilAsync(_queues, "sampler", 1 + busy);
        await LookWhileBusyAsync();
        await Broker.UntilAsync(_queues, "sampler", 1 + busy);

        (await _queues.PromptsInAsync("sampler", 20, Token)).Where(prompt => prompt.Run == "r").ShouldBe([("r", 1, 3)]);

        async Task LookWhileBusyAsync()
        {
            await log.AppendStageAsync("busy", 1, busy, PromptStage.Generated, Busy(busy), Token);
            await _bus.Bus.PublishFactAsync(Busy(busy++), Token);
            await recovery.LookAsync(Token);
        }

        PromptGenerated Busy(int ordinal) => Prompt(ordinal) with { Run = "busy" };
    }

    [Fact(Timeout = Patience)]
    public async Task What_a_busy_run_gets_done_while_it_is_counted_is_not_taken_for_what_another_one_has_lost()
    {
        const int Waiting = 30;
        var log = await LogOfAsync(prompts: 1);
        await Facts.AppendOnceAsync(StreamNames.Run("busy"), RunStage.Started, new RunStarted("busy", new RunSettings(), []), Token);
        for (var ordinal = 0; ordinal < Waiting; ordinal++)
        {
            var prompt = Prompt(ordinal) with { Run = "busy" };
            await log.AppendStageAsync("busy", 1, ordinal, PromptStage.Generated, prompt, Token);
            await _bus.Bus.PublishFactAsync(prompt, Token);
        }

        await Broker.UntilAsync(_queues, "sampler", Waiting);
        await using var connection = await BrokerAddress.Factory(_node.Address).CreateConnectionAsync(Token);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Token);
        var done = 0;
        var facts = new FactLog(new BusyStore(new NpgsqlEventStore(_database, TimeProvider.System), DoAsync));

        // What the one run has lost is one message, and as many of the other's are done between its messages' being counted and the log's being read.
        (await LookAsync(RecoveryOf(new RunLog(facts, new RunCatalog(facts))), run => run == "r")).ShouldBeEmpty();

        done.ShouldBeGreaterThan(1);
        await Broker.UntilAsync(_queues, "sampler", Waiting - done + 1);
        (await _queues.PromptsInAsync("sampler", Waiting, Token)).Where(prompt => prompt.Run == "r").ShouldBe([("r", 1, 0)]);

        async Task DoAsync()
        {
            (await channel.BasicGetAsync("sampler", autoAck: true, Token)).ShouldNotBeNull();
            await log.AppendStageAsync("busy", 1, done, PromptStage.Sampled, new PromptDiscarded("busy", 1, done, DiscardReason.TooLong, "", [], []), Token);
            done++;
        }
    }

    [Fact(Timeout = Patience)]
    public async Task A_connection_that_cannot_give_back_what_it_holds_is_closed_and_not_kept()
    {
        await using (var spoil = _database.CreateCommand("""
            create schema broken;
            create function broken.pg_advisory_unlock_all() returns void language plpgsql as $$ begin raise exception 'not now'; end $$;
            create function broken.pg_try_advisory_lock_shared(key bigint) returns boolean language plpgsql as $$ begin
                perform pg_catalog.pg_try_advisory_lock_shared(key);
                raise exception 'taken, but not said';
            end $$
            """))
            await spoil.ExecuteNonQueryAsync(Token);

        await using (var worker = DataSource("broken, pg_catalog"))
        {
            var hand = new WorkInHand(worker, Options);
            await Should.ThrowAsync<PostgresException>(() => hand.TakeAsync("r", 1, 0, Token));
            await NothingIsHeldAsync();
        }

        await using (var worker = DataSource("broken, pg_catalog"))
        {
            await using (var mend = _database.CreateCommand("drop function broken.pg_try_advisory_lock_shared"))
                await mend.ExecuteNonQueryAsync(Token);
            var hand = new WorkInHand(worker, Options);
            var held = await hand.TakeAsync("r", 1, 0, Token);
            (await WorkInHand.AllAsync(_database, Token)).ShouldNotBeEmpty();
            await held!.DisposeAsync();
            await NothingIsHeldAsync();
        }

        NpgsqlDataSource DataSource(string path) => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_cluster.ConnectionString) { SearchPath = path });

        async Task NothingIsHeldAsync()
        {
            // A server process ends soon after its connection.
            while ((await WorkInHand.AllAsync(_database, Token)).Count > 0)
                Token.ThrowIfCancellationRequested();
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private FactLog Facts => new(new NpgsqlEventStore(_database, TimeProvider.System));

    private WorkerOptions Options => new() { Data = "/nowhere", Postgres = _cluster.ConnectionString, RabbitMq = _node.Address };

    // As the service looks, the first time.
    private static Task<IReadOnlySet<string>> LookAsync(Recovery recovery, Func<string, bool>? isDue = null) =>
        recovery.RepublishLostAsync(isDue ?? (_ => true), new FilledQueues().IsFilled, Token);

    private Recovery RecoveryOf(RunLog log) => new(log, _bus.Bus, _database, Options, new ReconnectWatch(), NullLogger<Recovery>.Instance);

    private async Task<RunLog> LogOfAsync(int prompts)
    {
        var log = new RunLog(Facts, new RunCatalog(Facts));
        await Facts.AppendOnceAsync(StreamNames.Run("r"), RunStage.Started, new RunStarted("r", new RunSettings(), []), Token);
        for (var ordinal = 0; ordinal < prompts; ordinal++)
            await log.AppendStageAsync("r", 1, ordinal, PromptStage.Generated, Prompt(ordinal), Token);
        return log;
    }

    private static PromptGenerated Prompt(int ordinal) => new("r", 1, ordinal, M1, "p", "model", [], []);

    private async Task PurgeAsync(string queue)
    {
        await using var connection = await BrokerAddress.Factory(_node.Address).CreateConnectionAsync(Token);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Token);
        await channel.QueuePurgeAsync(queue, Token);
    }

    private sealed class SamplerConsumer(Inbox inbox) : IConsumer<PromptGenerated>
    {
        public Task Consume(ConsumeContext<PromptGenerated> context) => inbox.WorkAsync(context.Message);
    }

    private sealed class HeadConsumer(Inbox inbox) : IConsumer<RunStarted>
    {
        public Task Consume(ConsumeContext<RunStarted> context)
        {
            _ = inbox.WorkAsync(context.Message);
            return Task.CompletedTask;
        }
    }
}
