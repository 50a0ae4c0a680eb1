using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>A log that was only appended to breaks no rule; what is changed behind its back is found where it is.</summary>
public sealed class LogRulesTests(Postgres postgres)
{
    [Fact]
    public async Task A_log_that_was_only_appended_to_breaks_no_rule()
    {
        await using var database = await FilledAsync();
        var results = await LogRules.CheckAsync(database, Token).ToListAsync(Token);
        results.ShouldAllBe(result => result.Broken == 0 && result.First == null);
        results.Select(result => (result.Rule, result.Checked)).ShouldBe(
            [
                ("a stream's version is that of its last event", 3),
                ("versions have no gaps", 3),
                ("positions ascend with versions", 7),
                ("every event has a stream", 7),
                ("no mark of archiving or tenant is missing", 10),
                ("the sequence is ahead of the log", 1),
                ("no reader stands past the end of the log", 1),
            ]);
    }

    [Fact]
    public async Task An_empty_log_breaks_no_rule()
    {
        await using var database = await postgres.CreateAsync();
        (await LogRules.CheckAsync(database, Token).ToListAsync(Token)).ShouldAllBe(result => result.Broken == 0);
    }

    [Theory]
    [InlineData("update mt_streams set version = 9 where id = 'b'", "a stream's version is that of its last event", 1, "stream b", "version 9", "version 2")]
    [InlineData("update mt_streams set version = null where id <> 'c'", "a stream's version is that of its last event", 2, "stream a", "no version", "version 4")]
    [InlineData("delete from mt_events where stream_id = 'a' and version = 4", "a stream's version is that of its last event", 1, "stream a", "version 4", "version 3")]
    [InlineData("delete from mt_events where stream_id = 'a' and version = 2", "versions have no gaps", 1, "stream a", "3 events, versions 1 to 4", "versions 1 to 4")]
    [InlineData("update mt_events set version = version + 1 where stream_id = 'c'", "versions have no gaps", 1, "stream c", "1 events, versions 2 to 2", "versions 1 to 2")]
    [InlineData("update mt_events set seq_id = 100 where stream_id = 'b' and version = 1", "positions ascend with versions", 1, "event 2 of stream b", "position 6", "a position after 100, where event 1 is")]
    [InlineData("alter table mt_events drop constraint fkey_mt_events_stream_id; delete from mt_streams where id = 'c'", "every event has a stream", 1, "event at position 7", "stream c, which mt_streams does not have", "a stream in mt_streams")]
    [InlineData("update mt_events set stream_id = null where seq_id = 7", "every event has a stream", 1, "event at position 7", "no stream", "a stream in mt_streams")]
    [InlineData("update mt_events set is_archived = null where seq_id = 2", "no mark of archiving or tenant is missing", 1, "event 2 of stream a", "is_archived null, tenant_id *DEFAULT*", "is_archived true or false, tenant_id *DEFAULT*")]
    [InlineData("update mt_streams set tenant_id = 'x' where id = 'b'", "no mark of archiving or tenant is missing", 1, "stream b", "is_archived false, tenant_id x", "is_archived true or false, tenant_id *DEFAULT*")]
    [InlineData("select setval('mt_events_sequence', 5)", "the sequence is ahead of the log", 1, "sequence mt_events_sequence", "its next number is 6", "a number after 7")]
    [InlineData("update mt_event_progression set last_seq_id = 8", "no reader stands past the end of the log", 1, "progression of 'someone'", "position 8", "at most 7")]
    public async Task What_breaks_a_rule_is_found_where_it_is(string change, string rule, long broken, string subject, string found, string expected)
    {
        await using var database = await FilledAsync();
        await database.ExecuteAsync(change);
        var result = await LogRules.CheckAsync(database, Token).SingleAsync(result => result.Rule == rule, Token);
        result.Broken.ShouldBe(broken);
        result.First.ShouldBe(new LogViolation(subject, found, expected));
    }

    [Fact]
    public async Task Martens_placeholders_for_burnt_numbers_break_no_rule()
    {
        await using var database = await FilledAsync();
        await database.ExecuteAsync("""
            insert into mt_streams (id, version) values ('mt_tombstone', 0);
            insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp) values
                (nextval('mt_events_sequence'), gen_random_uuid(), 'mt_tombstone', 7, '{}', 'tombstone', '-infinity'),
                (nextval('mt_events_sequence'), gen_random_uuid(), 'mt_tombstone', 5, '{}', 'tombstone', '-infinity')
            """);
        (await LogRules.CheckAsync(database, Token).ToListAsync(Token)).ShouldAllBe(result => result.Broken == 0);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Streams a, b and c with 4, 2 and 1 events at positions 1 to 7, and a reader at the end.
    private async Task<NpgsqlDataSource> FilledAsync()
    {
        var database = await postgres.CreateAsync();
        await using var store = new NpgsqlEventStore(database, TimeProvider.System);
        foreach (var (stream, count) in ((string, int)[])[("a", 4), ("b", 2), ("c", 1)])
            await store.AppendAsync(stream, 0, [.. Enumerable.Range(1, count).Select(number => Events.Numbered(number))], Token);
        await database.ExecuteAsync("insert into mt_event_progression (name, last_seq_id) values ('someone', 7)");
        return database;
    }
}
