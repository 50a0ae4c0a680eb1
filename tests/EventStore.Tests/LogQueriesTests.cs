using System.Reflection;
using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>
/// No query reads a whole table to find a part of it: not in a database that sorts by the rules of a language, and not in a plan that was made before the values were known.
/// The README of the event store shows the plans.
/// </summary>
public sealed class LogQueriesTests(Postgres postgres)
{
    // By the query's name: types and values of its parameters, and the index that serves it.
    private static readonly Dictionary<string, (string Types, string Values, string Index)> _queries = new()
    {
        [nameof(LogQueries.ReadStream)] = ("text, bigint", "'prompt-kata-3-1-17', 1", "pk_mt_events_stream_and_version"),
        [nameof(LogQueries.ReadStreams)] = ("text[], bigint, bigint", "array['prompt-kata-3-1-17', 'prompt-kata-3-1-18'], 1, 2", "pk_mt_events_stream_and_version"),
        [nameof(LogQueries.Page)] = ("bigint", "40000", "pkey_mt_events_seq_id"),
        [nameof(LogQueries.Highest)] = ("", "", "pkey_mt_events_seq_id"),
        [nameof(LogQueries.LastEvent)] = ("", "", "pkey_mt_events_seq_id"),
        [nameof(LogQueries.GoneOn)] = ("bigint", "40000", "pkey_mt_events_seq_id"),
        [nameof(LogQueries.Version)] = ("text", "'prompt-kata-3-1-17'", "pkey_mt_streams_id"),
        [nameof(LogQueries.Existing)] = ("text[]", "array['prompt-kata-3-1-17', 'prompt-kata-3-1-18']", "pkey_mt_streams_id"),
        [nameof(LogQueries.IsArchived)] = ("text", "'prompt-kata-3-1-17'", "pkey_mt_streams_id"),
        [nameof(LogQueries.FindStreams)] = ("text", "'prompt-kata-3-'", "pkey_mt_streams_id"),
        [nameof(EventAppender.Continue)] = (AppendTypes, AppendValues, "pkey_mt_streams_id"),
        [nameof(BulkAppend)] = ("varchar[], bigint[], bigint[], timestamptz[]", "array['prompt-kata-3-1-17'], array[4], array[5], array[now()]", "pkey_mt_streams_id"),
    };

    private const string AppendTypes = "text, bigint, timestamptz, bigint, uuid[], bigint[], jsonb[], varchar[], varchar[], varchar[], varchar[], jsonb[]";
    private const string AppendValues = "'prompt-kata-3-1-17', 5, now(), 4, array[gen_random_uuid()], array[5], array['{}'::jsonb], array['x'], array[null], array[null], array[null], array[null::jsonb]";

    [Theory]
    [InlineData("force_generic_plan")]
    [InlineData("force_custom_plan")]
    public async Task Every_query_is_served_by_an_index(string mode)
    {
        await using var database = await FilledAsync();
        await using var connection = await database.OpenConnectionAsync(Token);
        await ExecuteAsync(connection, $"set plan_cache_mode = {mode}");
        foreach (var (name, sql) in Queries())
        {
            _queries.ShouldContainKey(name, "a query that this test does not know");
            var (types, values, index) = _queries[name];
            await ExecuteAsync(connection, $"prepare {name}{(types.Length > 0 ? $" ({types})" : "")} as {sql}");
            var plan = await ExplainAsync(connection, $"execute {name}{(values.Length > 0 ? $" ({values})" : "")}");
            plan.ShouldNotContain("Seq Scan", Case.Sensitive, $"{name}:\n{plan}");
            plan.ShouldContain(index, Case.Sensitive, $"{name}:\n{plan}");
        }
    }

    [Fact]
    public async Task A_bulk_read_takes_the_events_as_they_lie_and_sorts_nothing()
    {
        await using var database = await FilledAsync();
        await using var connection = await database.OpenConnectionAsync(Token);
        await using var transaction = await connection.BeginTransactionAsync(Token);
        await ExecuteAsync(connection, BulkReader.Settings);
        var plan = await ExplainAsync(connection, BulkReader.Open.Replace("$1", "array['prompt-kata-3-', 'prompt-kata-4-']", StringComparison.Ordinal));
        plan.ShouldStartWith("Index Scan using pkey_mt_events_seq_id on mt_events");
        plan.ShouldNotContain("Sort");
    }

    [Fact]
    public async Task Names_that_begin_so_are_found_whatever_language_the_database_sorts_by()
    {
        // In Danish aa stands for å, the last letter; English puts run-B between run-a and run-c, and looks past the hyphen last.
        await using var database = await postgres.CreateInLanguageAsync("da");
        await using var store = new NpgsqlEventStore(database, TimeProvider.System);
        string[] names = ["run-a", "run-aa", "run-ab", "run-B", "run-c", "run-c-1", "Run-a", "runa", "run", "run-å", "run-a\u0301"];
        foreach (var name in names)
            await store.AppendAsync(name, 0, [Events.Numbered(1)], Token);

        foreach (var prefix in (string[])["", "r", "run-", "run-a", "run-aa", "run-c", "R", "runa", "x"])
        {
            (await store.FindStreamsAsync(prefix, Token)).Select(stream => stream.Stream)
                .ShouldBe(names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal), prefix);
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IEnumerable<(string Name, string Sql)> Queries() =>
        typeof(LogQueries).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.FieldType == typeof(string))
            .Select(field => (field.Name, (string)field.GetValue(null)!))
            .Append((nameof(EventAppender.Continue), EventAppender.Continue))
            .Append((nameof(BulkAppend), BulkAppend.Continue));

    private async Task<NpgsqlDataSource> FilledAsync()
    {
        var database = await postgres.CreateInLanguageAsync("en");
        await using var connection = await database.OpenConnectionAsync(Token);
        await ExecuteAsync(connection, """
            insert into mt_streams (id, version)
                select format('prompt-kata-%s-%s-%s', run, iteration, ordinal), 4 from generate_series(1, 10) run, generate_series(1, 2) iteration, generate_series(0, 999) ordinal;
            insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp)
                select nextval('mt_events_sequence'), gen_random_uuid(), id, v, '{"Some": "text"}', 'number_noted', now() from generate_series(1, 4) v, mt_streams
            """);
        await ExecuteAsync(connection, "vacuum analyze mt_streams");
        await ExecuteAsync(connection, "vacuum analyze mt_events");
        return database;
    }

    private static async Task<string> ExplainAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand($"explain (costs off) {sql}", connection);
        await using var reader = await command.ExecuteReaderAsync(Token);
        var lines = new List<string>();
        while (await reader.ReadAsync(Token))
            lines.Add(reader.GetString(0));
        return string.Join('\n', lines);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Token);
    }
}
