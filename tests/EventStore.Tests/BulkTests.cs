using System.Text;
using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>Many events at once: appended by COPY, read by a cursor.</summary>
public sealed class BulkTests(Postgres postgres) : IAsyncLifetime
{
    private static readonly DateTimeOffset Moment = new(2024, 2, 29, 12, 0, 0, TimeSpan.Zero);

    private NpgsqlDataSource _dataSource = null!;
    private NpgsqlEventStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _dataSource = await postgres.CreateAsync();
        _store = new NpgsqlEventStore(_dataSource, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _dataSource.DisposeAsync();
    }

    [Fact]
    public async Task What_is_appended_is_read_back_whole_and_in_order()
    {
        var headers = Encoding.UTF8.GetBytes("""{"n": 1, "traceparent": "00-1"}""");
        EventCopy[] events =
        [
            Event("a", 1), Event("b", 1) with { Headers = headers, CorrelationId = "c", CausationId = "d", DotNetType = "N.T, A" }, Event("a", 2), Event("b", 2), Event("a", 3),
        ];
        await AppendAsync(events[..3]);
        await AppendAsync(events[3..]);

        (await ReadAsync("a", "b")).ShouldBe(events.Select(Text));
        var stored = await _store.ReadAllAsync().ToListAsync();
        stored.Select(e => (e.Stream, e.Version, e.Id, e.Timestamp)).ShouldBe(events.Select(e => (e.Stream, e.Version, e.Id, e.Timestamp)));
        stored[1].Metadata.ShouldBe(new EventMetadata("c", "d", stored[1].Metadata.Headers));
        (await AskAsync<string>("select string_agg(format('%s %s %s', id, version, extract(minute from timestamp) - extract(minute from created)), ', ' order by id) from mt_streams"))
            .ShouldBe("a 3 2, b 2 1");
    }

    [Fact]
    public async Task Streams_go_on_from_either_kind_of_append()
    {
        await _store.AppendAsync("a", 0, [Events.Numbered(1)]);
        await AppendAsync(Event("a", 2), Event("a", 3), Event("b", 1));
        await _store.AppendAsync("a", 3, [Events.Numbered(4)]);
        await _store.AppendOnceAsync("b", 2, Events.Numbered(2));

        (await _store.ReadAllAsync().ToListAsync()).Select(e => (e.Stream, e.Version)).ShouldBe([("a", 1), ("a", 2), ("a", 3), ("b", 1), ("a", 4), ("b", 2)]);
    }

    [Theory]
    [InlineData("a", 1, 0, 2)]
    [InlineData("a", 2, 1, 2)]
    [InlineData("a", 4, 3, 2)]
    [InlineData("new", 2, 1, 0)]
    public async Task Events_that_do_not_follow_what_is_there_are_refused_and_nothing_of_the_transaction_stays(string stream, long version, long expected, long actual)
    {
        await _store.AppendAsync("a", 0, [Events.Numbered(1), Events.Numbered(2)]);
        await using (var bulk = await BulkAppend.BeginAsync(_dataSource))
        {
            await bulk.AppendAsync([Event("b", 1)]);
            var conflict = await Should.ThrowAsync<VersionConflictException>(() => bulk.AppendAsync([Event("c", 1), Event(stream, version)]));
            (conflict.Stream, conflict.Expected, conflict.Actual).ShouldBe((stream, expected, actual));
        }

        (await _store.FindStreamsAsync("")).ShouldBe([new StreamVersion("a", 2)]);
        (await _store.ReadAllAsync().ToListAsync()).Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("follows event 1, expected versions without gaps", 3, "{}", "x")]
    [InlineData("U+0000", 2, """{"Text": "\u0000"}""", "x")]
    [InlineData("cannot be stored", 2, "no JSON", "x")]
    [InlineData("0 characters, expected 1 to 500", 2, "{}", "")]
    public async Task What_cannot_be_stored_is_refused_with_a_sentence(string sentence, long version, string data, string type)
    {
        await using var bulk = await BulkAppend.BeginAsync(_dataSource);
        var refused = Event("a", version) with { Data = Encoding.UTF8.GetBytes(data), Type = type };
        (await Should.ThrowAsync<ArgumentException>(() => bulk.AppendAsync([Event("a", 1), refused]))).Message.ShouldContain(sentence);
    }

    [Fact]
    public async Task A_reader_in_global_order_does_not_skip_a_bulk_append_that_commits_late()
    {
        var following = _store.FollowAsync().TakeAsync(5);
        await _store.AppendAsync("a", 0, [Events.Numbered(1)]);
        await using var bulk = await BulkAppend.BeginAsync(_dataSource);
        await bulk.AppendAsync([Event("bulk", 1), Event("bulk", 2)]);
        await _store.AppendAsync("a", 1, [Events.Numbered(2)]);
        await bulk.AppendAsync([Event("bulk", 3)]);

        (await _store.ReadAllAsync().ToListAsync()).Select(e => e.Stream).ShouldBe(["a"]);
        await bulk.CommitAsync();

        (await _store.ReadAllAsync().ToListAsync()).Select(e => e.Stream).ShouldBe(["a", "bulk", "bulk", "a", "bulk"]);
        (await following).Select(e => e.Stream).ShouldBe(["a", "bulk", "bulk", "a", "bulk"]);
    }

    [Fact]
    public async Task A_bulk_append_finds_what_is_there_already()
    {
        await _store.AppendAsync("a", 0, [Events.Numbered(1)]);
        await using var bulk = await BulkAppend.BeginAsync(_dataSource);
        await bulk.AppendAsync([Event("b", 1)]);

        (await bulk.FindAsync(["a", "b", "c"])).Order().ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task Only_streams_that_begin_so_are_read_and_of_one_moment()
    {
        for (var i = 1; i <= 1100; i++)
            await AppendAsync(Event($"a-{i}", 1), Event($"A-{i}", 1), Event($"a%{i}", 1));
        await using var reading = BulkReader.ReadAsync(_dataSource, ["a-"]).GetAsyncEnumerator();
        (await reading.MoveNextAsync()).ShouldBeTrue();
        await AppendAsync(Event("a-late", 1));
        var streams = new List<string> { reading.Current.Stream };
        while (await reading.MoveNextAsync())
            streams.Add(reading.Current.Stream);

        streams.ShouldBe(Enumerable.Range(1, 1100).Select(i => $"a-{i}"));
    }

    [Fact]
    public async Task What_Marten_hides_and_headers_that_say_nothing_are_left_out()
    {
        await AppendAsync(Event("a", 1) with { Headers = Encoding.UTF8.GetBytes("null") }, Event("archived", 1), Event("gone", 1) with { Type = "tombstone" });
        await AskAsync<object>("update mt_events set is_archived = true where stream_id = 'archived' returning 1");

        (await ReadAsync("")).ShouldBe([Text(Event("a", 1))]);
    }

    private async Task AppendAsync(params EventCopy[] events)
    {
        await using var bulk = await BulkAppend.BeginAsync(_dataSource);
        await bulk.AppendAsync(events);
        await bulk.CommitAsync();
    }

    private async Task<IReadOnlyList<string>> ReadAsync(params string[] prefixes) => [.. (await BulkReader.ReadAsync(_dataSource, prefixes).ToListAsync()).Select(Text)];

    private async Task<T> AskAsync<T>(string sql)
    {
        await using var command = _dataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    // Records compare memory by place: as text they compare by what is in it.
    private static string Text(EventCopy e) =>
        $"{e with { Data = default, Headers = null }} {Encoding.UTF8.GetString(e.Data.Span)} {(e.Headers is { } headers ? Encoding.UTF8.GetString(headers.Span) : "none")}";

    private static EventCopy Event(string stream, long version) => new(
        stream, version, EventId.Of(stream, version), "number_noted", null, Moment.AddMinutes(version).AddMicroseconds(1), null, null, null, Encoding.UTF8.GetBytes($$"""{"Number": {{version}}}"""));
}
