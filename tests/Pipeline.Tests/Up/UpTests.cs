using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Up;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Workers, a real RabbitMQ and a real PostgreSQL as processes that <c>selfreward up</c> keeps alive.</summary>
[Collection(SpreadRuns.Name)]
public sealed class UpTests(QuietRun quiet) : IDisposable
{
    private const int Patience = 600_000; // what waits for ever says so

    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-up-").FullName;

    [Fact(Timeout = Patience)]
    public async Task A_run_whose_trainer_broker_database_and_workers_are_killed_ends_like_a_quiet_one()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        await using var up = await UpProcess.StartAsync(_data, "--sampler", "2", "--judge", "2", "--dpo-trainer", "2");
        using var run = SelfrewardProcess.Start(TinyRun.Arguments(_data));
        await using (var log = await LogReader.OpenAsync(_data, Token))
        {
            var trainers = new List<string>();
            Queue<(Func<Recorded, bool> When, Func<Task> Then)> plan = new(
            [
                (recorded => recorded.Fact is TrainingStepped { Model: "M1", Step: 40 }, async () => // between two checkpoints
                {
                    trainers.Add(await TrainerAsync(log));
                    await up.KillAsync(trainers[0]);
                }),
                (recorded => recorded.Fact is TrainingStepped { Model: "M1", Step: 80 }, async () => trainers.Add(await TrainerAsync(log))),
                (recorded => recorded.Fact is CandidatesSampled { Iteration: 1, Ordinal: > 3 }, LoseBrokerAsync),
                (recorded => recorded.Fact is CandidatesJudged { Iteration: 1, Ordinal: > 8 }, () => up.KillAsync("database")),
                (recorded => recorded.Fact is DatasetFrozen { Iteration: 1 }, () => Task.WhenAll(((string[])["sampler-1", "judge-2", "pair-builder-1", "prompt-gen-1", "evaluator-1"]).Select(up.KillAsync))),
            ]);
            await foreach (var recorded in log.Runs.FollowAsync(0, TinyRun.Name, Token))
            {
                if (plan.TryPeek(out var next) && next.When(recorded))
                {
                    plan.Dequeue();
                    await next.Then();
                }

                if (recorded.Fact is RunCompleted)
                    break;
            }

            plan.ShouldBeEmpty("the run ended before everything was killed");
            trainers[1].ShouldNotBe(trainers[0], "the trainer that stood by did not take over");
        }

        (await run.WaitAsync()).ShouldBe(0, run.Output + run.Errors + Logs());
        (await TinyRun.FingerprintAsync(_data)).ShouldBe(quiet.Fingerprint);
        var parts = (await UpProcess.LookAsync(_data)).GetProperty("parts").EnumerateArray().ToDictionary(part => part.GetProperty("name").GetString()!, part => part.GetProperty("restarts").GetInt32());
        parts.Where(part => part.Value > 0).Select(part => part.Key).ShouldBeSubsetOf(
            ["dpo-trainer-1", "dpo-trainer-2", "broker", "database", "sampler-1", "judge-2", "pair-builder-1", "prompt-gen-1", "evaluator-1"]);
        ((string[])["broker", "database", "sampler-1", "judge-2"]).ShouldAllBe(part => parts[part] > 0, up.Process.Output);

        var state = up.State;
        (await SelfrewardProcess.RunAsync("down", "--data", _data)).ExitCode.ShouldBe(0);
        (await up.Process.WaitAsync()).ShouldBe(0, up.Process.Errors);
        await UpProcess.GoneAsync(state.Parts);
        DataFolder.FindUp(_data).ShouldBeNull();

        // The broker's queues are elsewhere before the node is killed, so that the one after it finds none.
        async Task LoseBrokerAsync()
        {
            Directory.Move(Path.Combine(_data, "rabbitmq", "mnesia"), Path.Combine(_data, "lost"));
            await up.KillAsync("broker");
        }

        async Task<string> TrainerAsync(LogReader log)
        {
            await using var ask = log.Database.CreateCommand($"""
                select a.application_name from pg_locks l join pg_stat_activity a using (pid)
                where l.locktype = 'advisory' and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('training-{TinyRun.Name}', 0)
                """);
            var name = (string)(await ask.ExecuteScalarAsync(Token))!;
            var id = int.Parse(name[(name.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            return up.State.Parts.Single(part => part.ProcessId == id).Name;
        }
    }

    [Fact(Timeout = Patience)]
    public async Task When_it_is_killed_everything_below_it_ends_and_the_next_one_goes_on()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        await using (var up = await UpProcess.StartAsync(_data, SamplerAlone))
        {
            var state = up.State;
            (await SelfrewardProcess.RunAsync("up", "--data", _data)).ShouldBe((CommandLine.WrongInput, "", $"'{_data}' is up already, by process {state.ProcessId}: 'selfreward ps' shows it, 'selfreward down' stops it.\n"));
            if (!OperatingSystem.IsWindows())
                File.GetUnixFileMode(UpState.FolderOf(_data)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            await SayPromptWithoutModelAsync();
            await WrongPasswordAsync(state);
            await up.Process.KillAsync();
            await UpProcess.GoneAsync(state.Parts);
        }

        DataFolder.FindUp(_data).ShouldBeNull();
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["up", "--detach", "--data", _data, .. SamplerAlone]);
        code.ShouldBe(0, output + errors);
        var next = UpState.Read(_data)!;
        try
        {
            // What the log says is outstanding was put onto the bus at the start; the model is not there, and nothing is lost.
            await using (var queues = await BrokerQueues.OpenAsync(next.RabbitMq, Token))
            {
                await UntilAsync(queues, "sampler_error", 1);
                var look = await SelfrewardProcess.RunAsync("ps", "--data", _data);
                look.Output.ShouldContain("sampler_error: 1 could not be handled ('selfreward retry sampler_error' sends them again)");
                look.Output.ShouldContain("1 x PromptGenerated:");
                (await UpProcess.LookAsync(_data)).GetProperty("errors")[0].GetProperty("reasons")[0].GetProperty("reason").GetString()!.ShouldContain("runs/r/models/M1");
                await UntilAsync(queues, "sampler_error", 1);

                (await SelfrewardProcess.RunAsync("retry", "sampler", "--data", _data)).Output.ShouldBe("sampler_error: 1 sent again.\n");
                await UntilAsync(queues, "sampler_error", 1);
            }

            (await SelfrewardProcess.RunAsync("retry", "trainer", "--data", _data)).ShouldBe((CommandLine.WrongInput, "", "'trainer' is no queue that messages fail in, expected one of sampler, judge, pair-builder.\n"));
        }
        finally
        {
            (await SelfrewardProcess.RunAsync("down", "--data", _data)).ExitCode.ShouldBe(0);
        }

        await UpProcess.GoneAsync(next.Parts);
        (await SelfrewardProcess.RunAsync("ps", "--data", _data)).ExitCode.ShouldBe(CommandLine.WrongInput);
    }

    [Fact(Timeout = Patience)]
    public async Task Without_a_broker_a_worker_and_a_run_wait_for_it_and_say_so()
    {
        await using var log = await LogReader.OpenOrMakeAsync(_data, Token);
        var places = Places(log.ConnectionString, "amqp://u:secret@127.0.0.1:1/");
        foreach (var process in (SelfrewardProcess[])[SelfrewardProcess.StartProgram("Sampler", places), SelfrewardProcess.StartProgram("Control", places, TinyRun.Arguments(Path.Combine(_data, "run")))])
        {
            using (process)
            {
                (await process.SaysAsync("Waiting for RabbitMQ at 127.0.0.1:1")).ShouldBeTrue(process.Output + process.Errors);
                (process.Output + process.Errors).ShouldNotContain("secret");
            }
        }
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private static readonly string[] SamplerAlone = ["--prompt-gen", "0", "--judge", "0", "--pair-builder", "0", "--dpo-trainer", "0", "--evaluator", "0"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // A run and a prompt of it, as a worker on another machine would have left them: the model's files are not here.
    private async Task SayPromptWithoutModelAsync()
    {
        await using var log = await LogReader.OpenAsync(_data, Token);
        await log.Log.AppendOnceAsync(StreamNames.Run("r"), RunStage.Started, new RunStarted("r", Presets.Kata, []), Token);
        await log.Log.AppendOnceAsync(StreamNames.Prompt("r", 1, 0), 1, new PromptGenerated("r", 1, 0, new ModelRef("M1", "runs/r/models/M1", "00"), "copy: ab", "model", [], []), Token);
    }

    private async Task WrongPasswordAsync(UpState state)
    {
        var address = new UriBuilder(state.RabbitMq) { Password = "wrong" };
        using var worker = SelfrewardProcess.StartProgram("Sampler", Places(state.Postgres, address.Uri.AbsoluteUri));
        (await worker.WaitAsync()).ShouldBe(2, worker.Output);
        worker.Errors.ShouldBe($"The broker at 127.0.0.1:{address.Port} (SELFREWARD_RABBITMQ) refuses user 'selfreward': wrong name or password.\n");
    }

    private Dictionary<string, string> Places(string postgres, string broker) =>
        new() { ["SELFREWARD_POSTGRES"] = postgres, ["SELFREWARD_RABBITMQ"] = broker, ["SELFREWARD_DATA"] = _data };

    private static async Task UntilAsync(BrokerQueues queues, string queue, long waiting)
    {
        while (((await queues.FindAsync(queue, Token))?.Ready ?? 0) != waiting)
            Token.ThrowIfCancellationRequested();
    }

    private string Logs() => string.Concat(Directory.GetFiles(UpState.FolderOf(_data), "*.log").Select(log => $"{Path.GetFileName(log)}: {TroubleLog.LastLine(log)}\n"));
}
