using System.Text.Json;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Between rows of <c>mt_events</c> and events.</summary>
internal static class EventRow
{
    /// <summary>The columns that <see cref="Read"/> expects first, in this order.</summary>
    public const string Columns = "seq_id, id, stream_id, version, type, data, timestamp, correlation_id, causation_id, headers";

    /// <summary>How many columns that are.</summary>
    public const int Count = 10;

    /// <summary>Archived events, and the placeholders that Marten writes for burnt numbers, are not part of the log.</summary>
    public const string IsPartOfTheLog = "is_archived is false and type <> 'tombstone'";

    /// <param name="row">A row with <see cref="Columns"/> first.</param>
    /// <param name="stream">The stream that all rows belong to, where that is known: its name is not decoded again for each.</param>
    public static StoredEvent Read(NpgsqlDataReader row, string? stream = null) => new(
        row.GetInt64(0),
        row.GetGuid(1),
        stream ?? row.GetString(2),
        row.GetInt64(3),
        row.GetString(4),
        row.GetFieldValue<byte[]>(5),
        row.GetFieldValue<DateTimeOffset>(6),
        ReadMetadata(row));

    public static byte[]? HeadersToJson(IReadOnlyDictionary<string, string>? headers) =>
        headers is null ? null : JsonSerializer.SerializeToUtf8Bytes(headers);

    private static EventMetadata ReadMetadata(NpgsqlDataReader row)
    {
        var correlation = row.IsDBNull(7) ? null : row.GetString(7);
        var causation = row.IsDBNull(8) ? null : row.GetString(8);
        var headers = row.IsDBNull(9) ? null : HeadersFromJson(row.GetFieldValue<byte[]>(9));
        return correlation is null && causation is null && headers is null ? EventMetadata.Empty : new EventMetadata(correlation, causation, headers);
    }

    // Another writer's headers may be JSON null.
    private static StoredHeaders? HeadersFromJson(byte[] json) => json is [(byte)'{', ..] ? new StoredHeaders(json) : null;
}
