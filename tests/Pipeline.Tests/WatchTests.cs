using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Watching a run whose workers are elsewhere: any number may, and none takes anything from anybody.</summary>
public sealed class WatchTests : IDisposable
{
    private const string Told = "M1: sft from M0";

    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-watch-").FullName;

    [Fact]
    public async Task Several_watch_one_run_on_shared_servers_beside_whoever_has_the_data_folder_and_one_of_them_writes_the_read_models()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        await using var rabbit = await PrivateBroker.StartAsync(Path.Combine(_data, "rabbitmq"), Token);
        await using var cluster = await PrivateCluster.StartAsync(Path.Combine(_data, "postgres"), Token);
        var environment = new Dictionary<string, string> { ["SELFREWARD_POSTGRES"] = cluster.ConnectionString, ["SELFREWARD_RABBITMQ"] = rabbit.Address };
        using var taken = DataFolder.Open(_data);

        using var first = SelfrewardProcess.StartProgram("Control", environment, TinyRun.Arguments(_data));
        await using var database = NpgsqlDataSource.Create(cluster.ConnectionString);
        var log = new FactLog(new NpgsqlEventStore(database, TimeProvider.System));
        while (!await HasBegunAsync(log))
            first.HasExited.ShouldBeFalse(first.Output + first.Errors);
        using var second = SelfrewardProcess.StartProgram("Control", environment, "resume", "--plain", "--data", _data);
        using var page = SelfrewardProcess.StartProgram("Control", environment, "serve", "--urls", "http://127.0.0.1:0", "--data", _data);
        (await page.SaysAsync("Ctrl-C ends it")).ShouldBeTrue(page.Output + page.Errors);
        using (var show = SelfrewardProcess.StartProgram("Control", environment, "show", "--data", _data))
            (await show.WaitAsync()).ShouldBe(0, show.Output + show.Errors);

        // What the workers would record, both tell as it comes.
        var stream = StreamNames.Training(TinyRun.Name, "M1");
        for (var version = 0; !(first.Output.Contains(Told, StringComparison.Ordinal) && second.Output.Contains(Told, StringComparison.Ordinal)); version++)
        {
            (first.HasExited || second.HasExited).ShouldBeFalse(first.Output + first.Errors + second.Output + second.Errors);
            await log.AppendAsync(stream, version, [new TrainingStarted(TinyRun.Name, "M1", "sft", new ModelRef("M0", "none", "none"), "", 1, 0, 1)], Token);
            await Task.Delay(200, Token);
        }

        await using (var writers = database.CreateCommand("select count(*) from pg_locks where locktype = 'advisory' and granted and (classid::bigint << 32 | objid::bigint) = hashtextextended('read-models', 0)"))
            (await writers.ExecuteScalarAsync(Token)).ShouldBe(1L);

        foreach (var watcher in (SelfrewardProcess[])[first, second])
        {
            watcher.HasExited.ShouldBeFalse(watcher.Output + watcher.Errors);
            watcher.Interrupt();
            (await watcher.WaitAsync()).ShouldBe(CommandLine.Interrupted, watcher.Output + watcher.Errors);
            watcher.Output.ShouldContain("The workers go on with it; the same command looks on again. ('selfreward show tiny' shows what there is.)");
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Until the first watcher has made them there are no tables.
    private static async Task<bool> HasBegunAsync(FactLog log)
    {
        try
        {
            return await log.FindAsync(StreamNames.Run(TinyRun.Name), RunStage.Started, Token) is not null;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return false;
        }
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);
}
