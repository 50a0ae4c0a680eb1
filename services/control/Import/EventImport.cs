using System.Text.Json;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Export;
using SelfRewarding.Datasets;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Import;

/// <summary>What was found in an event export that may be imported.</summary>
/// <param name="Unhashed">Events that an early version wrote, without a hash of their own: the file's hash holds them.</param>
/// <param name="UnknownNames">Stored names that this version does not know: they are carried along.</param>
public sealed record ImportFindings(EventFileSummary File, long Unhashed, IReadOnlyList<string> UnknownNames);

/// <summary>
/// Brings an event export into a log: the file is checked whole before the database is touched, then written in one transaction. Who reads the
/// log meanwhile sees nothing of it, and then all.
/// </summary>
public static class EventImport
{
    private const int EventsAtOnce = 1000;

    /// <summary>Checks every event: its run, its id, its version, and that it says what its hash was taken of.</summary>
    /// <exception cref="DataFileException">One is not what it should be; says where.</exception>
    public static ImportFindings Check(EventFileReader file, CancellationToken cancellationToken)
    {
        var (events, unhashed) = (0L, 0L);
        var unknown = new SortedSet<string>(StringComparer.Ordinal);
        // By id instead of by name, which takes a fraction of the memory: a log of a million events has some hundred thousand streams.
        var versions = new Dictionary<Guid, long>();
        foreach (var (location, e) in file.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var subject = $"{location}: event {e.Version} of stream '{e.Stream}'";
            if (StreamNames.RunOf(e.Stream) is not { } run || !file.Runs.Contains(run))
                throw new DataFileException($"{subject} belongs to none of the export's runs ({string.Join(", ", file.Runs)}).");
            if (e.Id != EventId.Of(e.Stream, e.Version))
                throw new DataFileException($"{subject} has id {e.Id}, expected {EventId.Of(e.Stream, e.Version)}, which follows from stream and version.");
            var stream = EventId.Of(e.Stream, 1);
            if (versions.GetValueOrDefault(stream) is var last && e.Version != last + 1)
                throw new DataFileException($"{subject} follows {(last == 0 ? "no event" : $"event {last}")}, expected versions from 1 without gaps.");
            versions[stream] = e.Version;
            if (RecordedHash(e) is not { } recorded)
                unhashed++;
            else if (HashOf(e) is var actual && actual != recorded)
                throw new DataFileException($"{subject} says what hashes to {actual}, expected {recorded}, which was recorded with it: it was changed.");
            if (FactNames.Versions.TypeOf(e.Type) is null)
                unknown.Add(e.Type);
            events++;
        }

        return new ImportFindings(new EventFileSummary(file.Runs, events, versions.Count), unhashed, [.. unknown]);
    }

    /// <summary>Writes all of it, or nothing.</summary>
    /// <param name="file">The file's name, for what is said.</param>
    /// <param name="events">What <see cref="Check"/> found right.</param>
    /// <param name="database">The log.</param>
    /// <param name="cancellationToken">Gives up; nothing is written then.</param>
    /// <exception cref="UserException">The log has some of the streams already.</exception>
    public static async Task WriteAsync(string file, IEnumerable<EventLine> events, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var bulk = await BulkAppend.BeginAsync(database, cancellationToken);
        var (there, first) = (0, (string?)null);
        foreach (var some in events.Select(line => line.Event).Chunk(EventsAtOnce))
        {
            var begun = some.Where(e => e.Version == 1).Select(e => e.Stream).ToList();
            var existing = await bulk.FindAsync(begun, cancellationToken);
            (there, first) = (there + existing.Count, first ?? begun.Find(existing.Contains));
            // After the first that exists the rest is only counted.
            if (first is null)
                await AppendAsync(bulk, some);
        }

        if (first is not null)
            throw new UserException($"{file}: {there} of its streams {(there == 1 ? "is" : "are")} in this log already, the first is '{first}'; nothing was imported. Import into another folder (--data), where these runs are not.");
        await bulk.CommitAsync(cancellationToken);

        async Task AppendAsync(BulkAppend bulk, IReadOnlyList<EventCopy> some)
        {
            try
            {
                await bulk.AppendAsync(some, cancellationToken);
            }
            catch (VersionConflictException e)
            {
                throw new UserException($"{file}: stream '{e.Stream}' was begun by another program during the import; nothing was imported. Import into another folder (--data), where these runs are not.", e);
            }
            catch (ArgumentException e)
            {
                throw new DataFileException($"{file}: {e.Message}", e);
            }
        }
    }

    private static string? RecordedHash(EventCopy e)
    {
        if (e.Headers is not { } headers)
            return null;
        using var json = JsonDocument.Parse(headers);
        return json.RootElement.TryGetProperty(ContentHash.Header, out var hash) && hash.ValueKind == JsonValueKind.String ? hash.GetString() : null;
    }

    private static string HashOf(EventCopy e)
    {
        try
        {
            return ContentHash.Of(e.Type, e.Data);
        }
        catch (InvalidOperationException)
        {
            return "nothing (it holds half of a surrogate pair)";
        }
    }
}
