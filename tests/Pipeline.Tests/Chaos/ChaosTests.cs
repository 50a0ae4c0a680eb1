using SelfRewarding.Benchmarks;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>
/// The promise at its roughest: two samplers and two judges over a real RabbitMQ and PostgreSQL, while workers and both servers are killed and messages come twice and in
/// another order. <c>selfreward bench chaos</c> does the same to a larger run, with a hundred kills.
/// </summary>
[Collection(SpreadRuns.Name)]
public sealed class ChaosTests(QuietRun quiet) : IDisposable
{
    private const int Patience = 900_000; // what waits for ever says so
    private const int Kills = 10;

    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-chaos-").FullName;

    [Fact(Timeout = Patience)]
    public async Task A_run_under_chaos_records_what_a_quiet_one_records()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        var cancelled = TestContext.Current.CancellationToken;
        var calm = await RunContents.ReadAsync(quiet.Folder, TinyRun.Name, cancelled);
        var plan = new ChaosPlan(TinyRun.Name, TinyRun.Arguments(_data), ["--slots", "8", "--sampler", "2", "--judge", "2"], calm.Beside, Kills, Seed: 4);

        var figures = await new ChaosRun(_data, plan, TestContext.Current.SendDiagnosticMessage).RunAsync(cancelled);

        // Those that came while the run was unfinished: on a busy machine the last may come too late to disturb anything.
        figures.Kills.Values.Sum().ShouldBeGreaterThanOrEqualTo(Kills - 2);
        figures.Kills.Keys.Order().ShouldBe(Enum.GetValues<KillKind>());
        figures.Copied.ShouldBeGreaterThan(0);
        figures.Reordered.ShouldBeGreaterThan(0);
        figures.Failed.ShouldBe(0);
        var wild = await RunContents.ReadAsync(_data, TinyRun.Name, cancelled);
        wild.DifferencesFrom(calm).ShouldBeEmpty();
        wild.Miscounted(iterations: 2, prompts: 24).ShouldBeEmpty();
        (await TinyRun.FingerprintAsync(_data)).ShouldBe(quiet.Fingerprint);
        var (code, output, errors) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", _data);
        code.ShouldBe(0, output + errors);
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);
}
