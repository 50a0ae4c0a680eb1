using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>Tables that are as they are made differ in nothing; whatever is changed about them is found by its name.</summary>
public sealed class CatalogTests(Postgres postgres)
{
    [Fact]
    public async Task Tables_as_they_are_made_are_what_they_must_be()
    {
        await using var database = await postgres.CreateAsync();
        var comparison = await EventStoreSchema.CompareAsync(database, Token);
        comparison.Differences.ShouldBeEmpty();
        comparison.Others.ShouldBeEmpty();
        // 9 + 13 + 3 columns, 4 indexes, 3 primary keys and a foreign key, a sequence.
        comparison.Checked.ShouldBe(34);
    }

    [Theory]
    [InlineData("alter table mt_events drop column headers", "column mt_events.headers", "nothing", "jsonb")]
    [InlineData("alter table mt_events alter column version type integer", "column mt_events.version", "integer not null", "bigint not null")]
    [InlineData("alter table mt_events alter column data drop not null", "column mt_events.data", "jsonb", "jsonb not null")]
    [InlineData("alter table mt_streams alter column is_archived drop default", "column mt_streams.is_archived", "boolean", "boolean default false")]
    [InlineData("alter table mt_streams alter column tenant_id set default 'x'", "column mt_streams.tenant_id", "character varying default 'x'::character varying", "character varying default '*DEFAULT*'::character varying")]
    [InlineData("alter table mt_events alter column type type varchar(100)", "column mt_events.type", "character varying(100) not null", "character varying(500) not null")]
    [InlineData("alter table mt_events alter column stream_id type varchar collate \"default\"", "column mt_events.stream_id", "character varying", "character varying collate \"C\"")]
    [InlineData("drop index pk_mt_events_stream_and_version", "index pk_mt_events_stream_and_version", "nothing", "unique on mt_events USING btree (stream_id, version)")]
    [InlineData("alter index pkey_mt_events_seq_id rename to mt_events_pkey", "index pkey_mt_events_seq_id", "nothing", "unique on mt_events USING btree (seq_id)")]
    [InlineData("alter table mt_events drop constraint fkey_mt_events_stream_id", "constraint fkey_mt_events_stream_id", "nothing", "mt_events FOREIGN KEY (stream_id) REFERENCES mt_streams(id) ON DELETE CASCADE")]
    [InlineData("alter sequence mt_events_sequence cache 20", "sequence mt_events_sequence", "bigint by 1, cache 20, owned by mt_events.seq_id", "bigint by 1, cache 1, owned by mt_events.seq_id")]
    [InlineData("alter sequence mt_events_sequence owned by none", "sequence mt_events_sequence", "nothing", "bigint by 1, cache 1, owned by mt_events.seq_id")]
    [InlineData("drop table mt_event_progression", "column mt_event_progression.last_seq_id", "nothing", "bigint")]
    public async Task A_change_is_found_by_its_name(string change, string item, string found, string expected)
    {
        await using var database = await postgres.CreateAsync();
        await database.ExecuteAsync(change);
        (await EventStoreSchema.CompareAsync(database, Token)).Differences.ShouldContain(new CatalogDifference(item, found, expected));
    }

    [Fact]
    public async Task What_another_program_adds_is_named_and_no_difference()
    {
        await using var database = await postgres.CreateAsync();
        await database.ExecuteAsync("create index mine on mt_events (type); alter table mt_events add column user_name varchar; create table other (id int)");
        var comparison = await EventStoreSchema.CompareAsync(database, Token);
        comparison.Differences.ShouldBeEmpty();
        comparison.Others.ShouldBe(["column mt_events.user_name", "index mine"]);
    }

    [Fact]
    public async Task A_comparison_leaves_nothing_behind()
    {
        await using var database = await postgres.CreateAsync();
        await EventStoreSchema.CompareAsync(database, Token);
        await using var command = database.CreateCommand("select count(*) from pg_class where relname like 'mt\\_%' and relpersistence = 't'");
        (await command.ExecuteScalarAsync(Token)).ShouldBe(0L);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
