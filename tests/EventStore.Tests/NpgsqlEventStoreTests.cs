using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

public sealed class NpgsqlEventStoreTests(Postgres postgres) : EventStoreCompliance, IAsyncLifetime
{
    private NpgsqlDataSource? _dataSource;
    private NpgsqlEventStore? _store;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
            await _store.DisposeAsync();
        if (_dataSource is not null)
            await _dataSource.DisposeAsync();
    }

    [Fact]
    public async Task Events_are_stamped_by_the_clock_that_was_given()
    {
        _dataSource = await postgres.CreateAsync();
        var moment = new DateTimeOffset(2024, 2, 29, 12, 0, 0, TimeSpan.Zero).AddTicks(1234567);
        _store = new NpgsqlEventStore(_dataSource, new FixedTime(moment));

        var appended = await _store.AppendAsync("a", 0, [Events.Numbered(1)]);
        var read = await _store.ReadStreamAsync("a");

        read[0].Timestamp.ShouldBe(moment.AddTicks(-7));
        appended[0].Timestamp.ShouldBe(read[0].Timestamp);
    }

    [Fact]
    public async Task What_Marten_hides_is_hidden_and_what_it_leaves_open_is_read()
    {
        var store = await CreateAsync();
        await store.AppendAsync("a", 0, [Events.Numbered(1)]);
        await ExecuteAsync("""
            insert into mt_streams (id, version) values ('mt_tombstone', 0), ('b', 1), ('gone', 1);
            update mt_streams set is_archived = true where id = 'gone';
            insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp, headers, is_archived) values
                (nextval('mt_events_sequence'), gen_random_uuid(), 'mt_tombstone', 1, '{}', 'tombstone', '-infinity', null, false),
                (nextval('mt_events_sequence'), gen_random_uuid(), 'gone', 1, '{}', 'x', now(), null, true),
                (nextval('mt_events_sequence'), gen_random_uuid(), 'b', 1, '{}', 'x', now(), 'null', false),
                (nextval('mt_events_sequence'), gen_random_uuid(), 'b', 2, '{}', 'x', now(), '{"n": 1, "s": "t"}', false);
            """);

        var all = await store.ReadAllAsync().ToListAsync();

        all.Select(e => (e.Stream, e.Version)).ShouldBe([("a", 1), ("b", 1), ("b", 2)]);
        all[1].Metadata.ShouldBe(EventMetadata.Empty);
        all[2].Metadata.Headers.ShouldNotBeNull().ToDictionary().ShouldBe(new Dictionary<string, string> { ["n"] = "1", ["s"] = "t" }, ignoreOrder: true);
        (await store.FindStreamsAsync("")).Select(s => s.Stream).ShouldBe(["a", "b"]);
        var refusal = await Should.ThrowAsync<InvalidOperationException>(() => store.AppendOnceAsync("gone", 2, Events.Numbered(2)));
        refusal.Message.ShouldContain("archived");
    }

    [Fact]
    public async Task A_conflict_burns_no_number()
    {
        var store = await CreateAsync();
        var first = await store.AppendAsync("a", 0, [Events.Numbered(1)]);
        for (var i = 0; i < 5; i++)
        {
            await Should.ThrowAsync<VersionConflictException>(() => store.AppendAsync("a", 0, [Events.Numbered(1)]));
            await Should.ThrowAsync<VersionConflictException>(() => store.AppendAsync("a", 7, [Events.Numbered(1)]));
            await store.AppendOnceAsync("a", 1, Events.Numbered(1));
        }

        var second = await store.AppendAsync("a", 1, [Events.Numbered(2)]);
        second[0].Position.ShouldBe(first[0].Position + 1);
    }

    [Fact]
    public async Task A_follower_makes_a_lost_connection_anew()
    {
        // Its own name for the server: the other tests' connections to the same one are left alone.
        const string name = "follower to be killed";
        await using var created = await postgres.CreateAsync();
        _dataSource = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(created.ConnectionString) { ApplicationName = name });
        var store = _store = new NpgsqlEventStore(_dataSource, TimeProvider.System);
        await store.AppendAsync("a", 0, [Events.Numbered(1)]);
        await using var follower = store.FollowAsync().GetAsyncEnumerator();
        (await follower.MoveNextAsync()).ShouldBeTrue();

        var next = follower.MoveNextAsync();
        await using (var kill = created.CreateCommand($"select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '{name}'"))
        {
            (await kill.ExecuteScalarAsync()).ShouldNotBe(0L);
        }

        _dataSource.Clear();
        await store.AppendAsync("a", 1, [Events.Numbered(2)]);
        (await next.AsTask().WaitAsync(TimeSpan.FromMinutes(1))).ShouldBeTrue();
        follower.Current.Version.ShouldBe(2);
    }

    protected override async Task<IEventStore> CreateAsync()
    {
        _dataSource = await postgres.CreateAsync();
        return _store = new NpgsqlEventStore(_dataSource, TimeProvider.System);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _dataSource!.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
