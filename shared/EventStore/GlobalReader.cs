using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Some events in global order.</summary>
/// <param name="Events">What a reader may take now.</param>
/// <param name="Position">Where it then stands: past events that are not part of the log, too.</param>
/// <param name="IsFull">There may be more at once.</param>
internal sealed record GlobalPage(IReadOnlyList<StoredEvent> Events, long Position, bool IsFull);

/// <summary>One reader of the log in global order: asks for the safe mark and a page of events in one round trip.</summary>
internal sealed class GlobalReader(long settled)
{
    private const string Writers = """
        select virtualtransaction from pg_locks
        where locktype = 'relation' and relation = 'mt_events_sequence'::regclass and mode = 'RowExclusiveLock' and granted
          and database = (select oid from pg_database where datname = current_database())
        """;

    private readonly SafeMark _mark = new(settled);

    /// <summary>No event will ever appear up to here that was not visible.</summary>
    public long Settled => _mark.Settled;

    /// <summary>The highest position at the last look.</summary>
    public long HighestSeen { get; private set; }

    /// <summary>A writer is in flight: its events may come at any moment, or hold others back.</summary>
    public bool IsWaiting => _mark.IsWaiting;

    /// <summary>Reads on after a position.</summary>
    public async Task<GlobalPage> ReadAsync(NpgsqlConnection connection, long after, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { new(LogQueries.Highest), new(Writers), new(LogQueries.Page) { Parameters = { new NpgsqlParameter<long> { TypedValue = after } } } },
            // A transaction for each: under any default isolation level, the page is seen later than the writers.
            EnableErrorBarriers = true,
        };
        await batch.PrepareAsync(cancellationToken);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);

        await reader.ReadAsync(cancellationToken);
        HighestSeen = reader.GetInt64(0);
        StoreTelemetry.Saw(HighestSeen);
        await reader.NextResultAsync(cancellationToken);
        var writers = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
            writers.Add(reader.GetString(0));
        _mark.Observe(HighestSeen, writers);

        await reader.NextResultAsync(cancellationToken);
        var positions = new List<long>();
        var events = new List<StoredEvent?>();
        while (await reader.ReadAsync(cancellationToken))
        {
            positions.Add(reader.GetInt64(0));
            events.Add(reader.GetBoolean(EventRow.Count) ? EventRow.Read(reader) : null);
        }

        var safe = _mark.CountSafe(after, positions);
        var position = safe == 0 ? after : positions[safe - 1];
        return new GlobalPage([.. events.Take(safe).OfType<StoredEvent>()], position, safe == LogQueries.PageSize);
    }
}
