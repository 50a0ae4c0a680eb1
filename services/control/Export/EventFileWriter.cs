using System.Buffers;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;

namespace SelfRewarding.Control.Export;

/// <summary>Writes an event export, a line at a time.</summary>
public static class EventFileWriter
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Every event of some runs, in global order, as they are at one moment.</summary>
    public static IAsyncEnumerable<EventCopy> EventsOf(Npgsql.NpgsqlDataSource database, IReadOnlyList<string> runs, CancellationToken cancellationToken) =>
        BulkReader.ReadAsync(database, [.. runs.SelectMany(StreamNames.Prefixes)], cancellationToken).Where(e => runs.Contains(StreamNames.RunOf(e.Stream)));

    /// <summary>Writes first line, events and last line.</summary>
    /// <param name="stream">Is left open.</param>
    /// <param name="runs">The run, then those that it comes from.</param>
    /// <param name="events">Their events.</param>
    /// <param name="cancellationToken">Gives up; what was written then has no last line.</param>
    public static async Task<EventFileSummary> WriteAsync(Stream stream, IReadOnlyList<string> runs, IAsyncEnumerable<EventCopy> events, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var line = new ArrayBufferWriter<byte>(4096);
        await using var json = new Utf8JsonWriter(line, Readable);
        var (count, streams) = (0L, 0L);

        WriteFirst(json, runs);
        await EndLineAsync();
        await foreach (var e in events.WithCancellation(cancellationToken))
        {
            WriteEvent(json, e);
            await EndLineAsync();
            count++;
            streams += e.Version == 1 ? 1 : 0;
        }

        WriteLast(json, count, streams, Convert.ToHexStringLower(hash.GetHashAndReset()));
        await EndLineAsync();
        return new EventFileSummary(runs, count, streams);

        async Task EndLineAsync()
        {
            json.Flush();
            line.Write("\n"u8);
            hash.AppendData(line.WrittenSpan);
            await stream.WriteAsync(line.WrittenMemory, cancellationToken);
            line.ResetWrittenCount();
            json.Reset();
        }
    }

    private static void WriteFirst(Utf8JsonWriter json, IReadOnlyList<string> runs)
    {
        json.WriteStartObject();
        json.WriteString("format", EventFile.Format);
        json.WriteNumber("format_version", EventFile.Version);
        json.WriteStartArray("runs");
        foreach (var run in runs)
            json.WriteStringValue(run);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteEvent(Utf8JsonWriter json, EventCopy e)
    {
        json.WriteStartObject();
        json.WriteString("stream", e.Stream);
        json.WriteNumber("version", e.Version);
        json.WriteString("id", e.Id);
        json.WriteString("type", e.Type);
        WriteUnlessNull("dotnet_type", e.DotNetType);
        json.WriteString("timestamp", e.Timestamp);
        WriteUnlessNull("correlation_id", e.CorrelationId);
        WriteUnlessNull("causation_id", e.CausationId);
        if (e.Headers is { } headers)
            WriteRaw("headers", headers);
        WriteRaw("data", e.Data);
        json.WriteEndObject();

        void WriteUnlessNull(string name, string? value)
        {
            if (value is not null)
                json.WriteString(name, value);
        }

        // PostgreSQL has parsed it, and never prints a line break.
        void WriteRaw(string name, ReadOnlyMemory<byte> value)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value.Span, skipInputValidation: true);
        }
    }

    private static void WriteLast(Utf8JsonWriter json, long events, long streams, string sha256)
    {
        json.WriteStartObject();
        json.WriteNumber("events", events);
        json.WriteNumber("streams", streams);
        json.WriteString("sha256", sha256);
        json.WriteEndObject();
    }
}
