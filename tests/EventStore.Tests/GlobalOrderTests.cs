using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>Readers in global order beside transactions that commit late, or never.</summary>
public sealed class GlobalOrderTests(Postgres postgres) : IAsyncLifetime
{
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
    public async Task An_event_whose_transaction_commits_late_is_seen_once_and_in_order()
    {
        var following = _store.FollowAsync().TakeAsync(6);
        await _store.AppendAsync("a", 0, [Events.Numbered(1)]);
        await using var late = await ForeignWriter.InsertAsync(_dataSource, "late");
        await _store.AppendAsync("a", 1, [Events.Numbered(2), Events.Numbered(3)]);
        await _store.AppendAsync("b", 0, [Events.Numbered(4)]);

        (await _store.ReadAllAsync().ToListAsync()).Select(e => e.Stream).ShouldBe(["a"]);
        await late.CommitAsync();
        (await _store.ReadAllAsync().ToListAsync()).Select(e => e.Stream).ShouldBe(["a", "late", "a", "a", "b"]);

        await _store.AppendAsync("b", 1, [Events.Numbered(5)]);
        (await following).Select(e => e.Stream).ShouldBe(["a", "late", "a", "a", "b", "b"]);
    }

    [Fact]
    public async Task A_number_that_was_rolled_back_is_not_waited_for()
    {
        await _store.AppendAsync("a", 0, [Events.Numbered(1)]);
        await using (var burnt = await ForeignWriter.InsertAsync(_dataSource, "burnt"))
            await burnt.RollbackAsync();
        await _store.AppendAsync("a", 1, [Events.Numbered(2)]);

        (await _store.FollowAsync().TakeAsync(2)).Select(e => e.Position).ShouldBe([1, 3]);
        (await _store.ReadAllAsync().ToListAsync()).Select(e => e.Position).ShouldBe([1, 3]);
    }

    [Fact]
    public async Task A_writer_that_is_killed_in_its_transaction_holds_nobody_up()
    {
        await using var killed = await ForeignWriter.InsertAsync(_dataSource, "killed");
        await _store.AppendAsync("a", 0, [Events.Numbered(1)]);
        (await _store.ReadAllAsync().ToListAsync()).ShouldBeEmpty();

        await killed.KillAsync();

        (await _store.FollowAsync().TakeAsync(1)).Select(e => e.Stream).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_number_burnt_before_a_long_transaction_began_does_not_stop_a_reader_that_had_passed_it()
    {
        await using (var burnt = await ForeignWriter.InsertAsync(_dataSource, "burnt"))
            await burnt.RollbackAsync();
        await _store.AppendAsync("a", 0, [Events.Numbered(1)]);
        (await _store.ReadAllAsync().ToListAsync()).Count.ShouldBe(1);
        await using var open = await ForeignWriter.InsertAsync(_dataSource, "open");
        await _store.AppendAsync("a", 1, [Events.Numbered(2)]);

        (await _store.ReadAllAsync().ToListAsync()).Select(e => e.Version).ShouldBe([1]);
    }

    [Fact]
    public async Task Any_mixture_of_late_commits_rollbacks_and_appends_is_seen_exactly_once_in_order()
    {
        var random = new Random(20);
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            // Each goes on from where the last page ended, as a projection does.
            var seen = new List<StoredEvent>();
            while (!stop.IsCancellationRequested)
                await foreach (var e in _store.ReadAllAsync(seen.Count == 0 ? 0 : seen[^1].Position))
                    seen.Add(e);
            await foreach (var e in _store.ReadAllAsync(seen.Count == 0 ? 0 : seen[^1].Position))
                seen.Add(e);
            return seen;
        })).ToList();

        var live = _store.FollowAsync().TakeUntilAsync(e => e.Stream == "end");
        var open = new List<ForeignWriter>();
        for (var i = 0; i < 150; i++)
        {
            switch (random.Next(4))
            {
                case 0:
                    open.Add(await ForeignWriter.InsertAsync(_dataSource, $"foreign{i}"));
                    break;
                case 1 when open.Count > 0:
                    var ended = open[random.Next(open.Count)];
                    open.Remove(ended);
                    await (random.Next(3) switch { 0 => ended.RollbackAsync(), 1 => ended.KillAsync(), _ => ended.CommitAsync() });
                    await ended.DisposeAsync();
                    break;
                default:
                    await _store.AppendAsync($"own{i}", 0, [Events.Numbered(i), Events.Numbered(i)]);
                    break;
            }
        }

        foreach (var writer in open)
        {
            await writer.CommitAsync();
            await writer.DisposeAsync();
        }

        await _store.AppendAsync("end", 0, [Events.Numbered(0)]);
        await stop.CancelAsync();
        var committed = new List<long>();
        await using (var all = _dataSource.CreateCommand("select seq_id from mt_events order by seq_id"))
        await using (var reader = await all.ExecuteReaderAsync())
            while (await reader.ReadAsync())
                committed.Add(reader.GetInt64(0));

        foreach (var reader in readers)
            (await reader).Select(e => e.Position).ShouldBe(committed);
        (await live).Select(e => e.Position).ShouldBe(committed);
    }

    [Fact]
    public async Task A_reader_that_stops_early_keeps_no_connection()
    {
        for (var i = 0; i < 3; i++)
            await _store.AppendAsync($"s{i}", 0, [.. Enumerable.Range(0, 1000).Select(n => Events.Numbered(n))]);

        // More often than the pool has connections.
        for (var i = 0; i < 60; i++)
            (await _store.ReadAllAsync().TakeAsync(1)).Select(e => e.Position).ShouldBe([1]);
    }

    /// <summary>A writer that is not ours: SQL of its own, in a transaction that stays open until told.</summary>
    private sealed class ForeignWriter(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
    {
        public static async Task<ForeignWriter> InsertAsync(NpgsqlDataSource dataSource, string stream)
        {
            var connection = await dataSource.OpenConnectionAsync();
            var transaction = await connection.BeginTransactionAsync();
            await using var insert = new NpgsqlCommand(
                """
                insert into mt_streams (id, version) values (@stream, 1);
                insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp)
                values (nextval('mt_events_sequence'), gen_random_uuid(), @stream, 1, '{}', 'foreign_noted', now());
                """,
                connection,
                transaction);
            insert.Parameters.AddWithValue("stream", stream);
            await insert.ExecuteNonQueryAsync();
            return new ForeignWriter(connection, transaction);
        }

        public Task CommitAsync() => transaction.CommitAsync();

        public Task RollbackAsync() => transaction.RollbackAsync();

        /// <summary>As when its process dies: the server ends the transaction.</summary>
        public async Task KillAsync()
        {
            await using var admin = new NpgsqlConnection(connection.ConnectionString);
            await admin.OpenAsync();
            await using var kill = new NpgsqlCommand("select pg_terminate_backend(@pid, 60000)", admin);
            kill.Parameters.AddWithValue("pid", connection.ProcessID);
            (await kill.ExecuteScalarAsync()).ShouldBe(true);
        }

        public async ValueTask DisposeAsync()
        {
            try
            {
                await connection.DisposeAsync();
            }
            catch (NpgsqlException)
            {
                // Killed.
            }
        }
    }
}
