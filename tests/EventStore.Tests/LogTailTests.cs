using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>Several readers of the log's growing end in one process, which share one reading of it.</summary>
public sealed class LogTailTests(Postgres postgres)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readers_who_share_it_get_every_event_in_order_though_some_come_late_leave_early_or_fall_behind()
    {
        await using var database = await postgres.CreateAsync();
        await using var store = new NpgsqlEventStore(database, TimeProvider.System);
        // Few are kept, so that whoever stops for a while has to read by itself again.
        await using var tail = new LogTail(database, kept: 5);
        const int Count = 300;
        var writing = Task.Run(
            async () =>
            {
                for (var i = 0; i < Count; i++)
                    await store.AppendAsync("a", i, [Events.Numbered(i + 1)], Token);
            },
            Token);

        var readers = Enumerable.Range(0, 6).Select(reader => Task.Run(
            async () =>
            {
                var got = new List<long>();
                var last = reader == 1 ? 20 : Count;
                await foreach (var e in tail.FollowAsync(0, 0, Token))
                {
                    got.Add(e.Version);
                    // This one is slower than the writer: each event that it takes waits for one more append.
                    if (reader == 2 && got.Count % 10 == 0)
                        await ReadAsync(tail, e.Position, Math.Min(20, Count - (int)e.Version));
                    if (got.Count == last)
                        break;
                }

                return got;
            },
            Token)).ToList();
        await writing;
        foreach (var (reader, reading) in readers.Index())
            (await reading).ShouldBe(Enumerable.Range(1, reader == 1 ? 20 : Count).Select(n => (long)n));
        // The last of them has left: who comes now begins a reading of its own.
        (await ReadAsync(tail, 0, Count)).ShouldBe(Enumerable.Range(1, Count).Select(n => (long)n));
    }

    [Fact]
    public async Task Who_is_behind_what_is_kept_may_not_join_and_is_told_when_it_falls_behind()
    {
        await using var database = await postgres.CreateAsync();
        await using var store = new NpgsqlEventStore(database, TimeProvider.System);
        await using var shared = new SharedReading(database, 0, kept: 3);
        await store.AppendAsync("a", 0, [.. Enumerable.Range(1, 10).Select(n => Events.Numbered(n))], Token);
        (await shared.TakeAsync(7, Token)).ShouldNotBeNull().Events.Select(e => e.Position).ShouldBe([8, 9, 10]);
        (await shared.TakeAsync(6, Token)).ShouldBeNull();
        shared.TryJoin(6).ShouldBeFalse();
        shared.TryJoin(7).ShouldBeTrue();
        shared.Leave().ShouldBeFalse();
        shared.Leave().ShouldBeTrue();
    }

    [Fact]
    public async Task A_reading_that_failed_tells_its_readers_and_lets_nobody_join()
    {
        await using var gone = NpgsqlDataSource.Create("Host=/nowhere;Username=nobody");
        await gone.DisposeAsync();
        await using var shared = new SharedReading(gone, 0, kept: 3);
        await Should.ThrowAsync<ObjectDisposedException>(() => shared.TakeAsync(0, Token));
        shared.HasFailed.ShouldBeTrue();
    }

    private static async Task<IReadOnlyList<long>> ReadAsync(LogTail tail, long after, int count)
    {
        var got = new List<long>();
        if (count == 0)
            return got;
        await foreach (var e in tail.FollowAsync(after, 0, Token))
        {
            got.Add(e.Version);
            if (got.Count == count)
                break;
        }

        return got;
    }
}
