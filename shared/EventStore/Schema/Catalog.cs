using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Something in PostgreSQL's catalogue that is not what it must be.</summary>
/// <param name="Item">Such as <c>column mt_events.data</c> or <c>index pk_mt_events_stream_and_version</c>.</param>
/// <param name="Found">What is there, or <c>nothing</c>.</param>
/// <param name="Expected">What must be there.</param>
public sealed record CatalogDifference(string Item, string Found, string Expected);

/// <summary>What a comparison came to.</summary>
/// <param name="Checked">Columns, keys, indexes and sequences that were looked at.</param>
/// <param name="Differences">Those that are not what they must be.</param>
/// <param name="Others">Items of the same tables that nobody asked for: harmless to us, and another program's.</param>
public sealed record CatalogComparison(int Checked, IReadOnlyList<CatalogDifference> Differences, IReadOnlyList<string> Others);

/// <summary>
/// Compares tables with those that the SQL which makes them would make now. PostgreSQL itself says what that is: the SQL runs among the temporary tables of a
/// transaction that is rolled back, and both are read from the catalogue. So there is no second list of columns, and no right to create tables is needed.
/// </summary>
public static class Catalog
{
    // One row for each column, index, constraint and sequence of a schema's tables: name, and everything that matters about it.
    private const string Items = """
        with tables as (select oid, relname from pg_class where relnamespace = $1 and relkind in ('r', 'p') and ($2::text[] is null or relname = any($2)))
        select 'column ' || t.relname || '.' || a.attname,
            format_type(a.atttypid, a.atttypmod)
            || coalesce(' collate "' || c.collname || '"', '')
            || case when a.attnotnull then ' not null' else '' end
            || coalesce(' default ' || regexp_replace(pg_get_expr(d.adbin, d.adrelid), '^''[^'']*''::timestamp with time zone$', '(a constant time)'), '')
        from tables t
            join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
            join pg_type y on y.oid = a.atttypid
            left join pg_collation c on c.oid = a.attcollation and a.attcollation <> y.typcollation
            left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        union all
        select 'index ' || i.relname, case when x.indisunique then 'unique ' else '' end || 'on ' || t.relname || substring(pg_get_indexdef(i.oid) from ' USING .*')
        from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid
        union all
        select 'constraint ' || k.conname, t.relname || ' ' || regexp_replace(pg_get_constraintdef(k.oid), 'REFERENCES ([^ .(]+\.)?', 'REFERENCES ')
        from tables t join pg_constraint k on k.conrelid = t.oid and k.contype in ('p', 'f', 'u', 'c', 'x')
        union all
        select 'sequence ' || s.relname, format('%s by %s, cache %s, owned by %s.%s', format_type(q.seqtypid, null), q.seqincrement, q.seqcache, t.relname, a.attname)
        from tables t
            join pg_depend o on o.refobjid = t.oid and o.deptype = 'a' and o.classid = 'pg_class'::regclass
            join pg_class s on s.oid = o.objid and s.relkind = 'S'
            join pg_sequence q on q.seqrelid = s.oid
            join pg_attribute a on a.attrelid = t.oid and a.attnum = o.refobjsubid
        order by 1
        """;

    /// <summary>Compares the tables in the connection's schema with those that the SQL makes.</summary>
    /// <param name="database">The database.</param>
    /// <param name="make">Makes the tables where nothing is; names no schema.</param>
    /// <param name="cancellationToken">Ends the comparison.</param>
    public static async Task<CatalogComparison> CompareAsync(NpgsqlDataSource database, IEnumerable<string> make, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(make);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var schema = await AskAsync<uint>(connection, "select current_schema()::regnamespace::oid", cancellationToken);
        await using (var asMade = new NpgsqlCommand($"set local client_min_messages = warning; set local search_path = pg_temp; {string.Join('\n', make)}", connection))
            await asMade.ExecuteNonQueryAsync(cancellationToken);
        var temporary = await AskAsync<uint>(connection, "select pg_my_temp_schema()", cancellationToken);
        var tables = await AskAsync<string[]>(connection, "select array_agg(relname::text) from pg_class where relnamespace = pg_my_temp_schema() and relkind in ('r', 'p')", cancellationToken);
        var expected = await ReadAsync(connection, temporary, null, cancellationToken);
        var found = await ReadAsync(connection, schema, tables, cancellationToken);
        return new CatalogComparison(
            expected.Count,
            [.. expected.Where(item => found.GetValueOrDefault(item.Key) != item.Value).Select(item => new CatalogDifference(item.Key, found.GetValueOrDefault(item.Key, "nothing"), item.Value))],
            [.. found.Keys.Except(expected.Keys).Order(StringComparer.Ordinal)]);
    }

    private static async Task<Dictionary<string, string>> ReadAsync(NpgsqlConnection connection, uint schema, string[]? tables, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Items, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<uint> { TypedValue = schema, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid },
                new NpgsqlParameter<string[]?> { TypedValue = tables },
            },
        };
        var items = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            items.Add(reader.GetString(0), reader.GetString(1));
        return items;
    }

    private static async Task<T> AskAsync<T>(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
