using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>The tables, as PostgreSQL's catalogue has them, against what Marten 8.37 makes.</summary>
public sealed class EventStoreSchemaTests(Postgres postgres)
{
    [Fact]
    public async Task Columns_types_defaults_and_their_order_are_Martens()
    {
        await using var dataSource = await postgres.CreateAsync();

        (await QueryAsync(dataSource, """
            select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
                || coalesce((select ' collate ' || collname from pg_collation o where o.oid = a.attcollation and o.collname <> 'default'), '')
                || case when a.attnotnull then ' not null' else '' end
                || coalesce(' = ' || case when c.relname || a.attname = 'mt_eventstimestamp'
                    then regexp_replace(pg_get_expr(d.adbin, d.adrelid), '^''.*''::timestamp with time zone$', 'constant') else pg_get_expr(d.adbin, d.adrelid) end, '')
            from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
            where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and a.attnum > 0 and c.relname <> 'selfreward_schema'
            order by c.relname, a.attnum
            """)).ShouldBe(
            [
                "mt_event_progression.name character varying not null",
                "mt_event_progression.last_seq_id bigint",
                "mt_event_progression.last_updated timestamp with time zone = transaction_timestamp()",
                "mt_events.seq_id bigint not null",
                "mt_events.id uuid not null",
                "mt_events.stream_id character varying collate C",
                "mt_events.version bigint not null",
                "mt_events.data jsonb not null",
                "mt_events.type character varying(500) not null",
                "mt_events.timestamp timestamp with time zone not null = constant",
                "mt_events.tenant_id character varying = '*DEFAULT*'::character varying",
                "mt_events.mt_dotnet_type character varying",
                "mt_events.correlation_id character varying",
                "mt_events.causation_id character varying",
                "mt_events.headers jsonb",
                "mt_events.is_archived boolean = false",
                "mt_streams.id character varying collate C not null",
                "mt_streams.type character varying",
                "mt_streams.version bigint",
                "mt_streams.timestamp timestamp with time zone not null = now()",
                "mt_streams.snapshot jsonb",
                "mt_streams.snapshot_version integer",
                "mt_streams.created timestamp with time zone not null = now()",
                "mt_streams.tenant_id character varying = '*DEFAULT*'::character varying",
                "mt_streams.is_archived boolean = false",
            ]);
    }

    [Fact]
    public async Task Keys_and_indexes_bear_the_names_that_Marten_knows()
    {
        await using var dataSource = await postgres.CreateAsync();

        (await QueryAsync(dataSource, """
            select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
            where connamespace = current_schema()::regnamespace and contype in ('p', 'f', 'u', 'c', 'x', 't') and conrelid <> 'selfreward_schema'::regclass order by 1
            """)).ShouldBe(
            [
                "mt_event_progression pk_mt_event_progression PRIMARY KEY (name)",
                "mt_events fkey_mt_events_stream_id FOREIGN KEY (stream_id) REFERENCES mt_streams(id) ON DELETE CASCADE",
                "mt_events pkey_mt_events_seq_id PRIMARY KEY (seq_id)",
                "mt_streams pkey_mt_streams_id PRIMARY KEY (id)",
            ]);
        (await QueryAsync(dataSource, """
            select indexname || ': ' || substring(indexdef from '(CREATE.*) INDEX') || substring(indexdef from ' USING.*') from pg_indexes
            where schemaname = current_schema() and tablename <> 'selfreward_schema' order by 1
            """)).ShouldBe(
            [
                "pk_mt_event_progression: CREATE UNIQUE USING btree (name)",
                "pk_mt_events_stream_and_version: CREATE UNIQUE USING btree (stream_id, version)",
                "pkey_mt_events_seq_id: CREATE UNIQUE USING btree (seq_id)",
                "pkey_mt_streams_id: CREATE UNIQUE USING btree (id)",
            ]);
        (await QueryAsync(dataSource, """
            select s.seqrelid::regclass || ' ' || format_type(s.seqtypid, null) || ' from ' || s.seqstart || ' by ' || s.seqincrement || ' cache ' || s.seqcache || ' owned by ' || d.refobjid::regclass || '.' || a.attname
            from pg_sequence s join pg_class c on c.oid = s.seqrelid
                left join pg_depend d on d.objid = s.seqrelid and d.deptype = 'a' left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where c.relnamespace = current_schema()::regnamespace
            """)).ShouldBe(["mt_events_sequence bigint from 1 by 1 cache 1 owned by mt_events.seq_id"]);
    }

    [Fact]
    public async Task There_is_nothing_else_in_the_schema_but_the_table_of_versions()
    {
        await using var dataSource = await postgres.CreateAsync();
        (await QueryAsync(dataSource, "select relname || ' ' || relkind::text from pg_class where relnamespace = current_schema()::regnamespace and relkind <> 'i' order by 1")).ShouldBe(
            ["mt_event_progression r", "mt_events r", "mt_events_sequence S", "mt_streams r", "selfreward_schema r"]);
        (await QueryAsync(dataSource, "select proname::text from pg_proc where pronamespace = current_schema()::regnamespace")).ShouldBeEmpty();
        (await QueryAsync(dataSource, "select tgname::text from pg_trigger where not tgisinternal and tgrelid in ('mt_events'::regclass, 'mt_streams'::regclass)")).ShouldBeEmpty();
        (await QueryAsync(dataSource, "select part || ' ' || version from selfreward_schema")).ShouldBe([$"log {EventStoreSchema.Version}"]);
    }

    [Fact]
    public async Task Rows_are_as_Marten_writes_them()
    {
        await using var dataSource = await postgres.CreateAsync();
        await using var store = new NpgsqlEventStore(dataSource, TimeProvider.System);
        await store.AppendAsync("a", 0, [Events.Numbered(1), Events.Numbered(2)]);
        await store.AppendAsync("a", 2, [Events.Numbered(3) with { DotNetType = "Some.Fact, Some" }]);

        (await QueryAsync(dataSource, "select concat_ws(' ', id, coalesce(type, 'null'), version, tenant_id, is_archived, snapshot is null) from mt_streams"))
            .ShouldBe(["a null 3 *DEFAULT* f t"]);
        (await QueryAsync(dataSource, """
            select concat_ws(' ', seq_id, stream_id, version, type, tenant_id, coalesce(mt_dotnet_type, 'null'), is_archived, correlation_id is null, headers is null)
            from mt_events order by seq_id
            """)).ShouldBe(
            [
                "1 a 1 number_noted *DEFAULT* null f t t",
                "2 a 2 number_noted *DEFAULT* null f t t",
                "3 a 3 number_noted *DEFAULT* Some.Fact, Some f t t",
            ]);
    }

    [Fact]
    public async Task Five_programs_may_start_at_once()
    {
        await using var dataSource = await postgres.CreateEmptyAsync();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(() => EventStoreSchema.EnsureAsync(dataSource))));
        await EventStoreSchema.EnsureAsync(dataSource);
        (await QueryAsync(dataSource, "select count(*)::text from pg_tables where schemaname = current_schema()")).ShouldBe(["4"]);
    }

    [Fact]
    public async Task Tables_of_the_first_version_are_brought_up_with_their_events_by_five_programs_at_once()
    {
        await using var dataSource = await postgres.CreateAsync();
        await using var store = new NpgsqlEventStore(dataSource, TimeProvider.System);
        await store.AppendAsync("a", 0, [Events.Numbered(1), Events.Numbered(2)]);
        await dataSource.ExecuteAsync("""
            drop table selfreward_schema;
            alter table mt_streams alter column id type varchar collate "default";
            alter table mt_events alter column stream_id type varchar collate "default"
            """);
        (await EventStoreSchema.CompareAsync(dataSource)).Differences.Count.ShouldBe(2);

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(() => EventStoreSchema.EnsureAsync(dataSource))));

        (await EventStoreSchema.CompareAsync(dataSource)).Differences.ShouldBeEmpty();
        (await store.ReadStreamAsync("a")).Select(e => e.Json()).ShouldBe(["""{"Number": 1}""", """{"Number": 2}"""]);
        (await store.AppendAsync("a", 2, [Events.Numbered(3)]))[0].Version.ShouldBe(3);
    }

    [Fact]
    public async Task Tables_of_a_newer_version_are_refused_untouched()
    {
        await using var dataSource = await postgres.CreateAsync();
        await dataSource.ExecuteAsync($"update selfreward_schema set version = {EventStoreSchema.Version + 1}; drop table mt_event_progression");
        var refusal = await Should.ThrowAsync<SchemaException>(() => EventStoreSchema.EnsureAsync(dataSource));
        refusal.Message.ShouldContain($"at version {EventStoreSchema.Version + 1}, expected {EventStoreSchema.Version} or older");
        (await QueryAsync(dataSource, "select count(*)::text from pg_tables where schemaname = current_schema()")).ShouldBe(["3"]);
    }

    [Fact]
    public async Task Tables_that_Marten_made_without_metadata_get_those_columns()
    {
        await using var dataSource = await postgres.CreateAsync();
        await dataSource.ExecuteAsync("alter table mt_events drop column correlation_id, drop column causation_id, drop column headers");
        await EventStoreSchema.EnsureAsync(dataSource);
        await using var store = new NpgsqlEventStore(dataSource, TimeProvider.System);
        await store.AppendAsync("a", 0, [Events.Numbered(1) with { Metadata = new EventMetadata("c", null, null) }]);
        (await store.ReadStreamAsync("a"))[0].Metadata.CorrelationId.ShouldBe("c");
    }

    [Fact]
    public async Task Tables_with_Guid_streams_are_refused_untouched()
    {
        await using var dataSource = await postgres.CreateEmptyAsync();
        await dataSource.ExecuteAsync("create table mt_streams (id uuid primary key, version bigint)");
        var refusal = await Should.ThrowAsync<Exception>(() => EventStoreSchema.EnsureAsync(dataSource));
        refusal.ShouldBeOfType<SchemaException>().Message.ShouldContain("mt_streams.id is uuid, expected varchar");
        (await QueryAsync(dataSource, "select count(*)::text from pg_tables where schemaname = current_schema()")).ShouldBe(["1"]);
    }

    private static async Task<List<string>> QueryAsync(NpgsqlDataSource dataSource, string sql)
    {
        await using var command = dataSource.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(reader.GetString(0));
        return rows;
    }
}
