using System.Text.Json;
using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

public sealed class WorkerGrantsTests(Postgres postgres)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_workers_role_appends_reads_and_follows()
    {
        await using var owner = await CreateWithRoleAsync();
        await using var worker = AsWorker(owner);
        await using var store = new NpgsqlEventStore(worker, TimeProvider.System);

        await EventStoreSchema.EnsureAsync(worker, Token); // a worker's start: nothing to do, and nothing refused
        await store.AppendAsync("granted", 0, [Event(1)], Token);
        await store.AppendOnceAsync("granted", 2, Event(2), Token);

        (await store.ReadStreamAsync("granted", 1, Token)).Select(e => e.Version).ShouldBe([1, 2]);
        await foreach (var e in store.FollowAsync(0, Token))
        {
            if (e.Version == 2)
                break;
        }
    }

    [Theory]
    [InlineData("update mt_events set data = '{}'")]
    [InlineData("delete from mt_events")]
    [InlineData("truncate mt_events")]
    [InlineData("update mt_streams set id = 'other'")]
    [InlineData("update mt_streams set is_archived = true")]
    [InlineData("delete from mt_streams")]
    [InlineData("update mt_event_progression set last_seq_id = 0")]
    [InlineData("alter table mt_events add column more text")]
    [InlineData("create table more (id int)")]
    [InlineData("drop table mt_events")]
    public async Task The_workers_role_changes_nothing_that_is_recorded(string statement)
    {
        await using var owner = await CreateWithRoleAsync();
        await using var worker = AsWorker(owner);

        var refused = await Should.ThrowAsync<PostgresException>(() => worker.ExecuteAsync(statement));

        refused.SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
    }

    [Fact]
    public async Task A_worker_that_comes_before_the_tables_is_told_that_their_owner_makes_them()
    {
        await using var owner = await postgres.CreateEmptyAsync();
        await MakeRoleAsync(owner);
        await owner.ExecuteAsync($"grant usage on schema {SchemaOf(owner)} to {WorkerGrants.Role}");
        await using var worker = AsWorker(owner);

        (await Should.ThrowAsync<SchemaException>(() => EventStoreSchema.EnsureAsync(worker, Token))).IsForOwner.ShouldBeTrue();

        await EventStoreSchema.EnsureAsync(owner, Token);
        await EventStoreSchema.EnsureAsync(worker, Token);
    }

    private static NewEvent Event(int number) => new("number_noted", null, JsonSerializer.SerializeToUtf8Bytes(new { number }), EventMetadata.Empty);

    private async Task<NpgsqlDataSource> CreateWithRoleAsync()
    {
        var owner = await postgres.CreateEmptyAsync();
        await MakeRoleAsync(owner);
        await EventStoreSchema.EnsureAsync(owner, Token);
        return owner;
    }

    // One server for all tests: another one may be making the same role.
    private static Task MakeRoleAsync(NpgsqlDataSource database) => database.ExecuteAsync($"""
        do $do$ begin
            create role {WorkerGrants.Role} login;
        exception when duplicate_object or unique_violation then null;
        end $do$
        """);

    private static NpgsqlDataSource AsWorker(NpgsqlDataSource owner) =>
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Username = WorkerGrants.Role });

    private static string SchemaOf(NpgsqlDataSource database) => new NpgsqlConnectionStringBuilder(database.ConnectionString).SearchPath!;
}
