using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>The same workers as processes of their own, over a real RabbitMQ and a shared PostgreSQL.</summary>
[Collection(SpreadRuns.Name)]
public sealed class WorkersTests(QuietRun quiet) : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-workers-").FullName;

    [Fact]
    public async Task Eight_worker_processes_freeze_the_datasets_that_one_process_freezes()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        await using var rabbit = await PrivateBroker.StartAsync(Path.Combine(_data, "rabbitmq"), TestContext.Current.CancellationToken);
        await using var cluster = await PrivateCluster.StartAsync(Path.Combine(_data, "postgres"), TestContext.Current.CancellationToken);
        var environment = new Dictionary<string, string>
        {
            ["SELFREWARD_POSTGRES"] = cluster.ConnectionString,
            ["SELFREWARD_RABBITMQ"] = rabbit.Address,
            ["SELFREWARD_DATA"] = _data,
            ["SELFREWARD_SLOTS"] = "8",
        };
        string[] workers = ["PromptGen", "Sampler", "Sampler", "Judge", "Judge", "PairBuilder", "DpoTrainer", "Evaluator"];
        var processes = workers.Select(worker => SelfrewardProcess.StartProgram(worker, environment)).ToList();
        try
        {
            using var run = SelfrewardProcess.StartProgram("Control", environment, TinyRun.Arguments(_data));
            (await run.WaitAsync()).ShouldBe(0, run.Output + run.Errors + string.Concat(processes.Select(process => process.Errors + process.Output)));
            processes.ShouldAllBe(process => !process.HasExited);
            await ReadAsync(environment);
        }
        finally
        {
            processes.ForEach(process => process.Dispose());
        }

        (await TinyRun.FingerprintAsync(_data)).ShouldBe(quiet.Fingerprint);
    }

    // The commands that read find the log where the run put it.
    private async Task ReadAsync(Dictionary<string, string> environment)
    {
        foreach (var (command, expected) in ((string[], string)[])[(["show"], "Run tiny"), (["runs"], "completed with M3"), (["lineage", "tiny/M3"], "tiny/M2"),
            (["verify"], "Everything agrees."), (["replay"], "byte-identical"), (["fork", "tiny", "--at", "1", "--from", "pairs", "--dry-run"], "24 prompts"), (["db", "check"], "Everything agrees.")])
        {
            using var reading = SelfrewardProcess.StartProgram("Control", environment, [.. command, "--data", _data]);
            (await reading.WaitAsync()).ShouldBe(0, reading.Output + reading.Errors);
            reading.Output.ShouldContain(expected);
        }
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);
}
