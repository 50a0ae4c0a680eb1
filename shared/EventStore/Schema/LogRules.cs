using System.Runtime.CompilerServices;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>What a rule of the log came to.</summary>
/// <param name="Rule">In words.</param>
/// <param name="Checked">Streams, events or other things that were looked at.</param>
/// <param name="Broken">How many break it.</param>
/// <param name="First">The first of them, in the order of the log; null where there is none.</param>
public sealed record LogRuleResult(string Rule, long Checked, long Broken, LogViolation? First);

/// <summary>Something in the log that breaks a rule.</summary>
/// <param name="Subject">Such as <c>stream run-kata-1</c>.</param>
/// <param name="Found">What is recorded.</param>
/// <param name="Expected">What the rule asks for.</param>
public sealed record LogViolation(string Subject, string Found, string Expected);

/// <summary>
/// What must hold across the whole log, whatever its events say: our readers, and Marten, rely on it. PostgreSQL checks each rule over all rows in one query, so
/// that memory stays flat here. Marten's stream of placeholders for burnt numbers (<c>mt_tombstone</c>) has rules of its own, and is left out.
/// </summary>
public static class LogRules
{
    private const string Streams = "select count(*) from mt_streams where id <> 'mt_tombstone'";
    private const string Events = "select count(*) from mt_events where stream_id is distinct from 'mt_tombstone'";

    // Violations: columns subject, found, expected, and a place to order by.
    private sealed record Rule(string Name, string Checked, string Violations);

    private static readonly IReadOnlyList<Rule> _rules =
    [
        new("a stream's version is that of its last event", Streams, """
            select s.id as place, 'stream ' || s.id as subject, coalesce('version ' || s.version, 'no version') as found, 'version ' || coalesce(e.last, 0) as expected
            from mt_streams s left join (select stream_id, max(version) as last from mt_events group by stream_id) e on e.stream_id = s.id
            where s.id <> 'mt_tombstone' and s.version is distinct from coalesce(e.last, 0)
            """),
        new("versions have no gaps", Streams, """
            select stream_id as place, 'stream ' || stream_id as subject, format('%s events, versions %s to %s', count(*), min(version), max(version)) as found,
                format('versions 1 to %s', max(version)) as expected
            from mt_events where stream_id <> 'mt_tombstone' group by stream_id having min(version) <> 1 or count(*) <> max(version)
            """),
        new("positions ascend with versions", Events, """
            select seq_id as place, format('event %s of stream %s', version, stream_id) as subject, 'position ' || seq_id as found,
                format('a position after %s, where event %s is', before, version_before) as expected
            from (
                select stream_id, version, seq_id, lag(seq_id) over w as before, lag(version) over w as version_before
                from mt_events where stream_id <> 'mt_tombstone' window w as (partition by stream_id order by version)
            ) e
            where seq_id <= before
            """),
        new("every event has a stream", Events, """
            select seq_id as place, 'event at position ' || seq_id as subject, coalesce('stream ' || stream_id || ', which mt_streams does not have', 'no stream') as found,
                'a stream in mt_streams' as expected
            from mt_events e where not exists (select from mt_streams s where s.id = e.stream_id)
            """),
        new("no mark of archiving or tenant is missing", $"select ({Streams}) + ({Events})", """
            select 'stream ' || id as place, 'stream ' || id as subject, format('is_archived %s, tenant_id %s', coalesce(is_archived::text, 'null'), coalesce(tenant_id, 'null')) as found,
                'is_archived true or false, tenant_id *DEFAULT*' as expected
            from mt_streams where is_archived is null or tenant_id is distinct from '*DEFAULT*'
            union all
            select format('event %s %s', stream_id, version), format('event %s of stream %s', version, stream_id),
                format('is_archived %s, tenant_id %s', coalesce(is_archived::text, 'null'), coalesce(tenant_id, 'null')), 'is_archived true or false, tenant_id *DEFAULT*'
            from mt_events where is_archived is null or tenant_id is distinct from '*DEFAULT*'
            """),
        new("the sequence is ahead of the log", "select 1::bigint", """
            select 0 as place, 'sequence mt_events_sequence' as subject, 'its next number is ' || next as found, 'a number after ' || highest as expected
            from (select case when is_called then last_value + 1 else last_value end as next, (select coalesce(max(seq_id), 0) from mt_events) as highest from mt_events_sequence) s
            where next <= highest
            """),
        new("no reader stands past the end of the log", "select count(*) from mt_event_progression", """
            select name as place, format('progression of ''%s''', name) as subject, 'position ' || last_seq_id as found, 'at most ' || highest as expected
            from mt_event_progression, (select coalesce(max(seq_id), 0) as highest from mt_events) e where last_seq_id > highest
            """),
    ];

    /// <summary>Checks one rule after the other.</summary>
    public static async IAsyncEnumerable<LogRuleResult> CheckAsync(NpgsqlDataSource database, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(database);
        foreach (var rule in _rules)
        {
            var (made, broken) = await CountAsync(database, rule, cancellationToken);
            yield return new LogRuleResult(rule.Name, made, broken, broken == 0 ? null : await FirstAsync(database, rule, cancellationToken));
        }
    }

    private static async Task<(long Checked, long Broken)> CountAsync(NpgsqlDataSource database, Rule rule, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select ({rule.Checked}), (select count(*) from ({rule.Violations}) v)");
        command.CommandTimeout = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    private static async Task<LogViolation?> FirstAsync(NpgsqlDataSource database, Rule rule, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select subject, found, expected from ({rule.Violations}) v order by place limit 1");
        command.CommandTimeout = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new LogViolation(reader.GetString(0), reader.GetString(1), reader.GetString(2)) : null;
    }
}
