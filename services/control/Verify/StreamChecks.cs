using SelfRewarding.Contracts;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Verify;

/// <summary>The rules of the log itself: versions without gaps, ids that follow from where an event stands, names that are known.</summary>
/// <param name="report">Takes the findings.</param>
/// <param name="store">Where the events are.</param>
/// <param name="versions">The names that are known.</param>
public sealed class StreamChecks(VerifyReport report, IEventStore store, FactVersions versions)
{
    private const int StreamsAtOnce = 256;

    private readonly List<(string Subject, string Recorded, string Actual)> _contents = [];
    private int _unchanged;

    /// <summary>Checks every stream whose name begins so, some at a time.</summary>
    public async Task CheckAsync(string prefix, Func<string, bool> isOfRun, CancellationToken cancellationToken)
    {
        var streams = (await store.FindStreamsAsync(prefix, cancellationToken)).Where(stream => isOfRun(stream.Stream));
        foreach (var some in streams.Chunk(StreamsAtOnce))
        {
            var events = (await store.ReadStreamsAsync([.. some.Select(stream => stream.Stream)], 1, long.MaxValue, cancellationToken)).ToLookup(e => e.Stream);
            foreach (var (name, version) in some)
                Check(name, version, [.. events[name]]);
        }
    }

    /// <summary>Checks what holds for an event by itself.</summary>
    public void CheckEvent(StoredEvent e)
    {
        var subject = $"event {e.Version} of stream {e.Stream}";
        report.Same("ids follow from stream and version", subject, e.Id, EventId.Of(e.Stream, e.Version));
        report.Holds("stored names are known", subject, versions.TypeOf(e.Type) is not null, e.Type, "a name that this version knows");
        // Events of an earlier version of this program have no hash.
        if (ContentHash.Recorded(e) is { } recorded)
            NoteContent(subject, recorded, ContentHash.Of(e.Type, e.Data));
    }

    /// <summary>
    /// Reports whether each event still says what was recorded: to be called last, since where something is computed from what changed, that
    /// says more.
    /// </summary>
    public void ReportContents()
    {
        foreach (var (subject, recorded, actual) in _contents)
            report.Same("events hash to what was recorded", subject, recorded, actual);
        _contents.Clear();
        for (; _unchanged > 0; _unchanged--)
            report.Same("events hash to what was recorded", "", "", "");
    }

    private void NoteContent(string subject, string recorded, string actual)
    {
        if (recorded == actual)
            _unchanged++;
        else
            _contents.Add((subject, recorded, actual));
    }

    private void Check(string name, long version, IReadOnlyList<StoredEvent> events)
    {
        report.Same("versions have no gaps", $"stream {name}", events.Select(e => e.Version), Enumerable.Range(1, (int)version));
        foreach (var e in events)
            CheckEvent(e);
    }
}
