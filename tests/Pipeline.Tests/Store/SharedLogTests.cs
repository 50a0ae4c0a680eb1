using SelfRewarding.Control;
using SelfRewarding.EventStore;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Commands that read find the log where <c>SELFREWARD_POSTGRES</c> says, as a run does, and leave the data folder's own PostgreSQL alone.</summary>
public sealed class SharedLogTests(LogDatabase database) : IClassFixture<LogDatabase>, IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-shared-").FullName;

    [Theory]
    [InlineData("Run kata-7", "show")]
    [InlineData("kata-7", "runs")]
    [InlineData("byte-identical", "replay")]
    [InlineData("kata-7/1/0", "lineage", "kata-7/1/0")]
    [InlineData("versions have no gaps", "db", "check")]
    public async Task A_command_reads_the_log_that_the_environment_names(string expected, params string[] command)
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        var (code, output, errors) = await SharedLog.RunAsync(log.Database, _data, command);
        code.ShouldBe(0, output + errors);
        output.ShouldContain(expected);
        output.ShouldNotContain("\e[", customMessage: "output that is redirected is plain");
        Directory.Exists(Path.Combine(_data, "postgres")).ShouldBeFalse();
    }

    [Theory]
    [InlineData("show")]
    [InlineData("runs")]
    [InlineData("replay")]
    [InlineData("verify")]
    [InlineData("lineage", "kata-7/M1")]
    [InlineData("fork", "kata-7", "--at", "1", "--from", "pairs")]
    [InlineData("resume")]
    [InlineData("run")]
    [InlineData("db", "check")]
    public async Task Every_command_refuses_the_database_of_a_newer_version(params string[] command)
    {
        await using var log = await NewerAsync("log");
        var (code, output, errors) = await SharedLog.RunAsync(log.Database, _data, command);
        code.ShouldBe(CommandLine.WrongInput, output + errors);
        errors.Trim().ShouldBe($"The tables of 'log' in database 'postgres' are at version 99, expected {EventStoreSchema.Version} or older: " +
            "a newer version of this program has changed them, so use that one here, or give this one another database.");
    }

    [Fact]
    public async Task A_worker_refuses_the_database_of_a_newer_version()
    {
        await using var log = await NewerAsync("log");
        var (code, output, errors) = await SharedLog.RunProgramAsync("PairBuilder", log.Database.ConnectionString, _data);
        code.ShouldBe(2, output);
        errors.ShouldContain("are at version 99");
        errors.Trim().Split('\n').Length.ShouldBe(1, errors);
    }

    [Fact]
    public async Task Read_models_of_a_newer_version_are_refused_and_left_as_they_are()
    {
        await using var log = await NewerAsync("read_models");
        var (code, _, errors) = await SharedLog.RunAsync(log.Database, _data, "show");
        code.ShouldBe(CommandLine.WrongInput);
        errors.ShouldContain("The tables of 'read_models' in database 'postgres' are at version 99");
        (await log.AskAsync<int>("select version from selfreward_schema where part = 'read_models'")).ShouldBe(99);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=nobody;Timeout=3", "cannot be used: Failed to connect")]
    [InlineData("Hots=somewhere", "cannot be used: Couldn't set hots")]
    public async Task A_server_that_cannot_be_used_is_said_in_a_sentence(string postgres, string reason)
    {
        var (code, _, errors) = await SharedLog.RunProgramAsync("Control", postgres, _data, "runs", "--data", _data);
        code.ShouldBe(CommandLine.WrongInput);
        errors.ShouldStartWith("The log's database (SELFREWARD_POSTGRES)");
        errors.ShouldContain(reason);
        errors.Trim().Split('\n').Length.ShouldBe(1, errors);
    }

    [Fact]
    public async Task To_look_into_an_empty_database_makes_nothing_there()
    {
        await using var log = await database.CreateAsync();
        await log.ExecuteAsync($"drop schema {log.Schema} cascade; create schema {log.Schema}");
        var (code, _, errors) = await SharedLog.RunAsync(log.Database, _data, "runs");
        code.ShouldBe(CommandLine.WrongInput);
        errors.ShouldContain("There is no log in the database that SELFREWARD_POSTGRES names");
        (await log.AskAsync<long>($"select count(*) from pg_tables where schemaname = '{log.Schema}'")).ShouldBe(0);
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private async Task<LogUnderTest> NewerAsync(string part)
    {
        var log = await database.CreateAsync();
        await log.ExecuteAsync($"update selfreward_schema set version = 99 where part = '{part}'");
        return log;
    }
}
