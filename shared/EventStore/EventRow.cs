using System.Text.Json;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Between rows of <c>mt_events</c> and events.</summary>
internal static class EventRow
{
    /// <summary>What <see cref="Read"/> expects first, in this order, where one stream is read: its name does not travel with every row.</summary>
    public const string ColumnsOfAStream = "seq_id, id, version, type, data, timestamp, correlation_id, causation_id, headers";

    /// <summary>The same where events of many streams are read.</summary>
    public const string Columns = $"{ColumnsOfAStream}, stream_id";

    /// <summary>How many columns these are.</summary>
    public const int Count = 10;

    /// <summary>Archived events, and the placeholders that Marten writes for burnt numbers, are not part of the log.</summary>
    public const string IsPartOfTheLog = "is_archived is false and type <> 'tombstone'";

    /// <param name="row">A row with <see cref="Columns"/> first, or with <see cref="ColumnsOfAStream"/>.</param>
    /// <param name="stream">The one stream that is read; null where the row has the name.</param>
    public static StoredEvent Read(NpgsqlDataReader row, string? stream = null) => new(
        row.GetInt64(0),
        row.GetGuid(1),
        stream ?? row.GetString(9),
        row.GetInt64(2),
        row.GetString(3),
        row.GetFieldValue<byte[]>(4),
        row.GetFieldValue<DateTimeOffset>(5),
        ReadMetadata(row));

    public static byte[]? HeadersToJson(IReadOnlyDictionary<string, string>? headers) =>
        headers is null ? null : JsonSerializer.SerializeToUtf8Bytes(headers);

    private static EventMetadata ReadMetadata(NpgsqlDataReader row)
    {
        var correlation = row.IsDBNull(6) ? null : row.GetString(6);
        var causation = row.IsDBNull(7) ? null : row.GetString(7);
        var headers = row.IsDBNull(8) ? null : HeadersFromJson(row.GetFieldValue<byte[]>(8));
        return correlation is null && causation is null && headers is null ? EventMetadata.Empty : new EventMetadata(correlation, causation, headers);
    }

    // Another writer's headers may be JSON null.
    private static StoredHeaders? HeadersFromJson(byte[] json) => json is [(byte)'{', ..] ? new StoredHeaders(json) : null;
}
