using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class TetheredProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tethered-process-tests-").FullName;

    private string Log => Path.Combine(_folder, "log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_it_writes_is_in_its_log_and_its_exit_code_is_known()
    {
        await using var process = await StartAsync(["sh", "-c", "echo out; echo \"$WORD\" >&2; exit 7"], new() { ["WORD"] = "err" });

        (await process.Ended).ShouldBe(7);
        File.ReadAllText(Log).ShouldBe("out\nerr\n");
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(Log).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task It_is_asked_to_end_when_we_let_go()
    {
        await using var process = await StartAsync(["sleep", "1000"], []);

        process.Ended.IsCompleted.ShouldBeFalse();
        (await process.StopAsync()).ShouldBe(128 + 15);
        Directory.Exists($"/proc/{process.Id}").ShouldBeFalse();
    }

    [Fact]
    public async Task A_second_one_with_the_same_lock_begins_when_the_first_has_ended()
    {
        var plan = new ProcessPlan(["cat", Log], Path.Combine(_folder, "second")) { LockFile = Path.Combine(_folder, "lock") };
        await using var first = await TetheredProcess.StartAsync(plan with { Command = ["sleep", "1000"], Log = Log }, Token);
        await File.WriteAllTextAsync(Log, "before", Token);

        await using var second = await TetheredProcess.StartAsync(plan, Token);
        await File.WriteAllTextAsync(Log, "after", Token);
        await first.StopAsync();

        (await second.Ended).ShouldBe(0);
        (await File.ReadAllTextAsync(plan.Log, Token)).ShouldBe("after");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Task<TetheredProcess> StartAsync(string[] command, Dictionary<string, string?> environment) =>
        TetheredProcess.StartAsync(new ProcessPlan(command, Log) { Environment = environment }, Token);
}
