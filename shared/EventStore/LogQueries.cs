namespace SelfRewarding.EventStore;

/// <summary>
/// Every query over the log's tables, each served by an index that Marten's tables have: one of ours on top would be dropped by its schema check. A test holds their plans.
/// </summary>
internal static class LogQueries
{
    /// <summary>$1 stream, $2 from version.</summary>
    public const string ReadStream = $"select {EventRow.ColumnsOfAStream} from mt_events where stream_id = $1 and version >= $2 and {EventRow.IsPartOfTheLog} order by version";

    /// <summary>$1 streams, $2 from version, $3 to version.</summary>
    public const string ReadStreams =
        $"select {EventRow.Columns} from mt_events where stream_id = any($1) and version between $2 and $3 and {EventRow.IsPartOfTheLog} order by seq_id";

    /// <summary>The rows of a whole <see cref="Page"/>.</summary>
    public const int PageSize = 1000;

    /// <summary>$1 the last position that was passed. Whether a row is part of the log follows the columns: what is not is passed, too.</summary>
    public static readonly string Page = $"select {EventRow.Columns}, ({EventRow.IsPartOfTheLog}) from mt_events where seq_id > $1 order by seq_id limit {PageSize}";

    /// <summary>The highest position that is visible.</summary>
    public const string Highest = "select coalesce(max(seq_id), 0) from mt_events";

    /// <summary>The highest position of an event that is part of the log.</summary>
    public const string LastEvent = $"{Highest} where {EventRow.IsPartOfTheLog}";

    /// <summary>Streams with an event after a position, each with its highest. $1 position.</summary>
    public const string GoneOn = "select stream_id, max(seq_id) from mt_events where seq_id > $1 group by stream_id";

    /// <summary>$1 stream.</summary>
    public const string Version = "select version from mt_streams where id = $1";

    /// <summary>$1 streams.</summary>
    public const string Existing = "select id from mt_streams where id = any($1)";

    /// <summary>$1 stream.</summary>
    public const string IsArchived = "select true from mt_streams where id = $1 and is_archived is not false";

    /// <summary>
    /// $1 the beginning of the names. A range, which any plan can serve by the key: of <c>like</c> PostgreSQL sees the beginning only where it plans anew for each value. Names are
    /// compared by their bytes (<see cref="EventStoreSchema"/>), so that those which begin so lie between the beginning itself and the beginning with the last of all characters.
    /// </summary>
    public const string FindStreams =
        "select id, version from mt_streams where id >= $1 and id < $1 || chr(1114111) and is_archived is false and id <> 'mt_tombstone' order by id";
}
