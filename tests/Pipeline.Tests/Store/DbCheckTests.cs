using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary><c>selfreward db check</c> on a log that nobody touched, and on one that somebody did.</summary>
public sealed class DbCheckTests(LogDatabase database) : IClassFixture<LogDatabase>, IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-check-").FullName;

    [Fact]
    public async Task A_log_that_nobody_touched_is_whole_and_says_its_size_and_what_to_back_up()
    {
        await using var log = await FilledAsync();
        var (code, output, errors) = await CheckAsync(log);
        code.ShouldBe(0, output + errors);
        var events = await log.AskAsync<long>("select count(*) from mt_events");
        Count(output, "events hash to what was recorded").ShouldBe((events, 0));
        Count(output, "positions ascend with versions").ShouldBe((events, 0));
        Count(output, "the log's tables are what they must be").ShouldBe((34, 0));
        Count(output, "the read models' tables are what they must be").Different.ShouldBe(0);
        output.ShouldContain("Everything agrees.");
        output.ShouldContain($"The read models stand at position {events} of {events}.");
        output.ShouldContain("pg_dump --host ");
        output.ShouldContain(Path.Combine(_data, "runs", "*", "models"));
        (await log.AskAsync<long>("select count(*) from mt_events")).ShouldBe(events);
    }

    [Theory]
    [InlineData("update mt_events set data = jsonb_set(data, '{Ordinal}', '99') where stream_id = 'prompt-kata-7-1-0' and version = 1", "event 1 of stream prompt-kata-7-1-0", "events hash to what was recorded", 1)]
    [InlineData("update mt_events set id = gen_random_uuid() where stream_id = 'run-kata-7' and version = 1", "event 1 of stream run-kata-7", "ids follow from stream and version", 1)]
    [InlineData("update mt_events set type = 'never_heard_of' where stream_id = 'run-kata-7' and version = 2", "event 2 of stream run-kata-7", "stored names are known", 1)]
    [InlineData("delete from mt_events where stream_id = 'prompt-kata-7-1-0' and version = 2", "stream prompt-kata-7-1-0", "versions have no gaps", 1)]
    [InlineData("update mt_streams set version = version + 1 where id like 'prompt-%'", "stream prompt-kata-7-1-0", "a stream's version is that of its last event", 8)]
    [InlineData("alter table mt_events alter column headers type json using headers::json", "column mt_events.headers", "the log's tables are what they must be", 1)]
    [InlineData("drop index pk_mt_events_stream_and_version", "index pk_mt_events_stream_and_version", "the log's tables are what they must be", 1)]
    [InlineData("alter table rm_drift drop column tie_rate", "column rm_drift.tie_rate", "the read models' tables are what they must be", 1)]
    [InlineData("update mt_event_progression set last_seq_id = 100000", "progression of 'self_rewarding_read_models'", "no reader stands past the end of the log", 1)]
    public async Task What_was_changed_is_found_where_it_is(string change, string subject, string check, int different)
    {
        await using var log = await FilledAsync();
        await log.ExecuteAsync(change);
        var (code, output, errors) = await CheckAsync(log);
        code.ShouldBe(1, output + errors);
        output.ShouldContain($"First difference: {subject}\n");
        Count(output, check).Different.ShouldBe(different);
    }

    [Fact]
    public async Task A_log_without_read_models_is_whole()
    {
        await using var log = await FilledAsync();
        await log.ExecuteAsync("delete from selfreward_schema where part = 'read_models'; drop table rm_runs");
        var (code, output, errors) = await CheckAsync(log);
        code.ShouldBe(0, output + errors);
        output.ShouldContain("The read models are not made yet");
    }

    [Fact]
    public async Task What_an_open_transaction_holds_back_is_said_to_be_unchecked()
    {
        await using var log = await FilledAsync();
        await using var connection = await log.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var open = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var draw = new Npgsql.NpgsqlCommand("select nextval('mt_events_sequence')", connection, open))
            await draw.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        await log.ExecuteAsync("update mt_events set seq_id = nextval('mt_events_sequence') where seq_id = (select max(seq_id) from mt_events)");
        var (code, output, errors) = await CheckAsync(log);
        code.ShouldBe(0, output + errors);
        output.ShouldContain("a transaction is open that may still write before them");
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private async Task<LogUnderTest> FilledAsync()
    {
        var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        await log.ReadModels.CatchUpAsync(CancellationToken.None);
        return log;
    }

    private Task<(int ExitCode, string Output, string Errors)> CheckAsync(LogUnderTest log) => SharedLog.RunAsync(log.Database, _data, "db", "check");

    // A line of the table: what was checked, how often, and how often it differed.
    private static (long Checked, long Different) Count(string output, string check)
    {
        var line = output.Split('\n').SingleOrDefault(line => line.TrimStart().StartsWith(check, StringComparison.Ordinal));
        line.ShouldNotBeNull($"no line '{check}' in:\n{output}");
        var figures = line.TrimStart()[check.Length..].Split([' ', '│', '|'], StringSplitOptions.RemoveEmptyEntries);
        return (long.Parse(figures[0].Replace(",", "")), long.Parse(figures[1].Replace(",", "")));
    }
}
