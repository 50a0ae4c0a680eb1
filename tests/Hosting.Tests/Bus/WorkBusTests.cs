using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using MassTransit;
using RabbitMQ.Client;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

/// <summary>What a bus over a real RabbitMQ does with work, notes and failures.</summary>
public sealed class WorkBusTests(Broker broker)
{
    private const int Patience = 180_000; // what waits for ever says so

    private static readonly ModelRef M1 = new("M1", "runs/r/models/M1", "aa");

    [Fact(Timeout = Patience)]
    public async Task A_worker_takes_what_fills_its_slots_and_one_that_joins_late_helps_at_once()
    {
        var address = await broker.AddressAsync();
        await using var queues = await BrokerQueues.OpenAsync(address, Token);
        await using var first = await BusProcess.StartAsync(address, bus => bus.AddConsumer<SharedConsumer, SharedDefinition>());
        for (var ordinal = 0; ordinal < 10; ordinal++)
            await first.Bus.Publish(new PromptGenerated("r", 1, ordinal, M1, "p", "model", [], []), Token);

        // Eight slots, four answers each: two messages are in work, and nothing more has left the queue.
        List<Taken> taken = [await first.Taken.ReadAsync(Token), await first.Taken.ReadAsync(Token)];
        (await queues.FindAsync("shared", Token)).ShouldBe(new QueueState("shared", 8, 1));

        await using var second = await BusProcess.StartAsync(address, bus => bus.AddConsumer<SharedConsumer, SharedDefinition>());
        taken.AddRange([await second.Taken.ReadAsync(Token), await second.Taken.ReadAsync(Token)]);
        (await queues.FindAsync("shared", Token)).ShouldBe(new QueueState("shared", 6, 2));

        taken.ForEach(message => message.Done.SetResult());
        var done = new ConcurrentBag<int>(taken.Select(OrdinalOf));
        var all = new TaskCompletionSource();
        _ = Task.WhenAll(WorkAsync(first), WorkAsync(second));
        await all.Task;
        done.Order().ShouldBe(Enumerable.Range(0, 10));

        async Task WorkAsync(BusProcess process)
        {
            await foreach (var message in process.Taken.ReadAllAsync(Token))
            {
                message.Done.SetResult();
                done.Add(OrdinalOf(message));
                if (done.Count == 10)
                    all.TrySetResult();
            }
        }

        static int OrdinalOf(Taken message) => ((PromptGenerated)message.Fact).Ordinal;
    }

    [Fact(Timeout = Patience)]
    public async Task Every_process_gets_a_note_of_each_job()
    {
        var address = await broker.AddressAsync();
        await using var one = await BusProcess.StartAsync(address, bus => bus.AddConsumer<NoteConsumer, JobNotesDefinition<NoteConsumer>>());
        await using var other = await BusProcess.StartAsync(address, bus => bus.AddConsumer<NoteConsumer, JobNotesDefinition<NoteConsumer>>());

        await one.Bus.Publish(new ModelPublished("r", M1, null, null, 1), Token);

        foreach (var process in (BusProcess[])[one, other])
        {
            var note = await process.Taken.ReadAsync(Token);
            note.Fact.ShouldBe(new ModelPublished("r", M1, null, null, 1));
            note.Done.SetResult();
        }
    }

    [Fact(Timeout = Patience)]
    public async Task What_cannot_be_handled_is_kept_with_its_reason_and_counted_and_can_be_sent_again()
    {
        var address = await broker.AddressAsync();
        await using var queues = await BrokerQueues.OpenAsync(address, Token);
        await using var worker = await BusProcess.StartAsync(address, bus => bus.AddConsumer<FailingConsumer>());
        using var failed = new Counted("self_rewarding.message.failed", "failing");

        await worker.Bus.Publish(new CandidatesSampled("r", 1, 0, M1, []), Token);
        (await worker.Taken.ReadAsync(Token)).Done.SetException(new InvalidOperationException("the model M1 is not on this machine"));
        await Broker.UntilAsync(queues, "failing_error", 1);

        (await queues.LookAsync("failing_error", 10, Token)).ShouldBe([new FailedMessage("CandidatesSampled", "the model M1 is not on this machine")]);
        failed.Total.ShouldBe(1);
        await Broker.UntilAsync(queues, "failing_error", 1); // what was looked at is on its way back
        (await queues.SendAgainAsync("failing_error", Token)).ShouldBe(1);
        var again = await worker.Taken.ReadAsync(Token);
        ((CandidatesSampled)again.Fact).Ordinal.ShouldBe(0);
        again.Done.SetResult();
        await Broker.UntilAsync(queues, "failing_error", 0);
    }

    [Fact(Timeout = Patience)]
    public async Task A_failure_that_passes_by_itself_is_tried_again()
    {
        var address = await broker.AddressAsync();
        await using var queues = await BrokerQueues.OpenAsync(address, Token);
        await using var worker = await BusProcess.StartAsync(address, bus => bus.AddConsumer<PatientConsumer>());

        await worker.Bus.Publish(new CandidatesJudged("r", 1, 0, M1, []), Token);
        (await worker.Taken.ReadAsync(Token)).Done.SetException(new TimeoutException("the database is away"));
        (await worker.Taken.ReadAsync(Token)).Done.SetResult();

        await Broker.UntilAsync(queues, "patient", 0);
        (await queues.FindAsync("patient_error", Token)).ShouldBeNull();
    }

    [Fact(Timeout = Patience)]
    public async Task Work_whose_broker_is_killed_in_its_middle_comes_again_and_counts_as_no_failure()
    {
        Broker.SkipIfMissing();
        var folder = Directory.CreateTempSubdirectory("hosting-tests-killed-rabbitmq-").FullName;
        try
        {
            // A node that is killed has to know its queues: one that just began empty would begin empty again.
            await using (var first = await PrivateBroker.StartAsync(folder, Token))
            await using (await BusProcess.StartAsync(first.Address, bus => bus.AddConsumer<InterruptedConsumer>()))
            {
            }

            await using var node = await PrivateBroker.StartAsync(folder, Token);
            await using var worker = await BusProcess.StartAsync(node.Address, bus => bus.AddConsumer<InterruptedConsumer>());
            using var failed = new Counted("self_rewarding.message.failed", "interrupted");
            await worker.Bus.Publish(new RunCompleted("r", M1), Token);
            await worker.Taken.ReadAsync(Token);

            Process.GetProcessById(node.ProcessId).Kill();
            await node.Ended;
            await node.StartAgainAsync(Token);

            (await worker.Taken.ReadAsync(Token)).Done.SetResult();
            await using var queues = await BrokerQueues.OpenAsync(node.Address, Token);
            await Broker.UntilAsync(queues, "interrupted", 0);
            (await queues.FindAsync("interrupted_error", Token)).ShouldBeNull();
            failed.Total.ShouldBe(0);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact(Timeout = Patience)]
    public async Task What_the_broker_does_not_confirm_fails_and_can_be_published_again()
    {
        Broker.SkipIfMissing();
        var folder = Directory.CreateTempSubdirectory("hosting-tests-silent-rabbitmq-").FullName;
        try
        {
            await using var node = await PrivateBroker.StartAsync(folder, Token);
            await using var worker = await BusProcess.StartAsync(node.Address, bus => bus.AddConsumer<InterruptedConsumer>());
            var fact = new RunCompleted("r", M1);
            await worker.Bus.PublishFactAsync(fact, Token);
            (await worker.Taken.ReadAsync(Token)).Done.SetResult();

            await SignalAsync("STOP", node.ProcessId);
            // Each of its threads stops when it next looks for signals; until then it may confirm.
            while (!IsStopped(node.ProcessId))
                await Task.Delay(1, Token);
            TimeoutException silence;
            try
            {
                silence = await Should.ThrowAsync<TimeoutException>(() => worker.Bus.PublishFactAsync(fact, TimeSpan.FromSeconds(0.5), Token));
            }
            finally
            {
                await SignalAsync("CONT", node.ProcessId);
            }

            silence.Message.ShouldBe("the broker did not confirm RunCompleted within 0.5 s: it is away, or was when it should have");
            Transient.Passes(silence).ShouldBeTrue();
            await worker.Bus.PublishFactAsync(fact, Token);
            (await worker.Taken.ReadAsync(Token)).Done.SetResult();
            (await worker.Taken.ReadAsync(Token)).Done.SetResult(); // what was not confirmed had come all the same
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        // The state follows the name, which may have brackets of its own (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
        static bool IsStopped(int process) => Directory.GetDirectories($"/proc/{process}/task")
            .Select(thread => File.ReadAllText(Path.Combine(thread, "stat"))).All(stat => stat[stat.LastIndexOf(')') + 2] == 'T');

        static async Task SignalAsync(string signal, int process)
        {
            using var kill = Process.Start("kill", [$"-{signal}", $"{process}"]);
            await kill.WaitForExitAsync(Token);
            kill.ExitCode.ShouldBe(0);
        }
    }

    [Fact(Timeout = Patience)]
    public async Task What_cannot_be_read_or_is_of_another_version_is_kept_and_says_so()
    {
        var address = await broker.AddressAsync();
        await using var queues = await BrokerQueues.OpenAsync(address, Token);
        await using var worker = await BusProcess.StartAsync(address, bus => bus.AddConsumer<CarefulConsumer>());

        await SendAsync(address, "careful", "no message at all");
        await SendAsync(address, "careful", """
            {"messageType":["urn:message:SelfRewarding.Contracts:RunStopped"],"headers":{"SelfReward-Contract":99},"message":{"run":"r","iteration":1,"reason":"x"}}
            """);
        await Broker.UntilAsync(queues, "careful_error", 2);

        var reasons = (await queues.LookAsync("careful_error", 10, Token)).Select(message => message.Reason).ToList();
        reasons.ShouldContain(reason => reason.Contains("JSON") || reason.Contains("json"));
        reasons.ShouldContain($"RunStopped is written in version 99 of the contracts, this worker speaks version {ContractVersion.Current}: update this worker, then send it again ('selfreward retry').");
        worker.Taken.TryRead(out _).ShouldBeFalse();
    }

    [Fact(Timeout = Patience)]
    public async Task A_message_over_the_limit_is_refused_before_it_is_sent_and_when_it_comes()
    {
        var address = await broker.AddressAsync();
        await using var queues = await BrokerQueues.OpenAsync(address, Token);
        await using var worker = await BusProcess.StartAsync(address, bus => bus.AddConsumer<LargeConsumer>());
        var text = new string('x', 17 << 20);

        var refused = await Should.ThrowAsync<MessageTooLargeException>(() => worker.Bus.PublishFactAsync(new RunStopped("r", 1, text), Token));
        refused.Message.ShouldBe("RunStopped has 17 MiB, more than the 16 MiB that a message may have: ask for fewer or shorter texts (candidates.count, judge.count, max_new_tokens).");
        Transient.Passes(refused).ShouldBeFalse();

        await SendAsync(address, "large", $$$"""
            {"messageType":["urn:message:SelfRewarding.Contracts:RunStopped"],"headers":{"SelfReward-Contract":"{{{ContractVersion.Current}}}"},"message":{"run":"r","iteration":1,"reason":"{{{text}}}"} }
            """);
        await Broker.UntilAsync(queues, "large_error", 1);
        (await queues.LookAsync("large_error", 10, Token)).Single().Reason.ShouldStartWith("What was sent here has 17 MiB, more than the 16 MiB that a message may have");

        await worker.Bus.PublishFactAsync(new RunStopped("r", 1, text[..(15 << 20)]), Token);
        var taken = await worker.Taken.ReadAsync(Token);
        ((RunStopped)taken.Fact).Reason.Length.ShouldBe(15 << 20);
        taken.Done.SetResult();
    }

    [Fact(Timeout = Patience)]
    public async Task What_is_small_enough_to_be_recorded_is_small_enough_to_be_sent()
    {
        var address = await broker.AddressAsync();
        await using var worker = await BusProcess.StartAsync(address, bus => bus.AddConsumer<LargeConsumer>());
        RunStopped Of(int bytes) => new("r", 1, new string('x', bytes));
        var most = 0;
        for (var step = MessageLimit.MostBytes; step > 0; step /= 2)
            most += MessageLimit.Refuses(Of(most + step)) is null ? step : 0;

        MessageLimit.Refuses(Of(most + 1)).ShouldBe("RunStopped has 16 MiB, more than the 16 MiB that a message may have");
        await worker.Bus.PublishFactAsync(Of(most), Token);
        (await worker.Taken.ReadAsync(Token)).Done.SetResult();

        // As it is sent, each token is a line of its own: that is twice as much as in the log.
        var tokens = new CandidatesSampled("r", 1, 0, M1, [new Candidate(0, "", [.. Enumerable.Repeat(100_000, 1_000_000)], Finish.Stop, null)]);
        FactJson.ToEvent(tokens, EventMetadata.Empty).Data.Length.ShouldBeLessThan(MessageLimit.MostBytes / 2);
        MessageLimit.Refuses(tokens).ShouldNotBeNull();
        await Should.ThrowAsync<MessageTooLargeException>(() => worker.Bus.PublishFactAsync(tokens, Token));
    }

    [Fact(Timeout = Patience)]
    public async Task What_is_sent_again_to_a_queue_that_is_not_there_stays_where_it_is()
    {
        var address = await broker.AddressAsync();
        await using var queues = await BrokerQueues.OpenAsync(address, Token);
        await using var connection = await new ConnectionFactory { Uri = new Uri(address) }.CreateConnectionAsync(Token);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Token);
        await channel.QueueDeclareAsync("gone_error", durable: true, exclusive: false, autoDelete: false, cancellationToken: Token);
        await SendAsync(address, "gone_error", "{}");

        await Should.ThrowAsync<RabbitMQ.Client.Exceptions.PublishException>(() => queues.SendAgainAsync("gone_error", Token));

        await Broker.UntilAsync(queues, "gone_error", 1);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task SendAsync(string address, string queue, string body)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(address) }.CreateConnectionAsync(Token);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), Token);
        await channel.BasicPublishAsync("", queue, mandatory: true, new BasicProperties { ContentType = "application/vnd.masstransit+json" }, Encoding.UTF8.GetBytes(body), Token);
    }

    private sealed class SharedConsumer(Inbox inbox) : IConsumer<PromptGenerated>
    {
        public Task Consume(ConsumeContext<PromptGenerated> context) => inbox.WorkAsync(context.Message);
    }

    private sealed class SharedDefinition(WorkerOptions options) : WorkDefinition<SharedConsumer>(options.MessagesAtOnce(4));

    private sealed class NoteConsumer(Inbox inbox) : IConsumer<ModelPublished>
    {
        public Task Consume(ConsumeContext<ModelPublished> context) => inbox.WorkAsync(context.Message);
    }

    private sealed class FailingConsumer(Inbox inbox) : IConsumer<CandidatesSampled>
    {
        public Task Consume(ConsumeContext<CandidatesSampled> context) => inbox.WorkAsync(context.Message);
    }

    private sealed class PatientConsumer(Inbox inbox) : IConsumer<CandidatesJudged>
    {
        public Task Consume(ConsumeContext<CandidatesJudged> context) => inbox.WorkAsync(context.Message);
    }

    private sealed class InterruptedConsumer(Inbox inbox) : IConsumer<RunCompleted>
    {
        public Task Consume(ConsumeContext<RunCompleted> context) => inbox.WorkAsync(context.Message).WaitAsync(context.CancellationToken);
    }

    private sealed class LargeConsumer(Inbox inbox) : IConsumer<RunStopped>
    {
        public Task Consume(ConsumeContext<RunStopped> context) => inbox.WorkAsync(context.Message);
    }

    private sealed class CarefulConsumer(Inbox inbox) : IConsumer<RunStopped>
    {
        public Task Consume(ConsumeContext<RunStopped> context) => inbox.WorkAsync(context.Message);
    }

    /// <summary>What a counter counts for one queue while the test runs.</summary>
    private sealed class Counted : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ConcurrentBag<long> _seen = [];

        public Counted(string name, string queue)
        {
            _listener.InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == name)
                    self.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            {
                foreach (var (key, text) in tags)
                {
                    if (key == "queue" && text as string == queue)
                        _seen.Add(value);
                }
            });
            _listener.Start();
        }

        public long Total => _seen.Sum();

        public void Dispose() => _listener.Dispose();
    }
}
