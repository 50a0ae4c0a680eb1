using SelfRewarding.Contracts;
using SelfRewarding.EventStore;

namespace SelfRewarding.Control.Verify;

/// <summary>The rules of the log itself: versions without gaps, ids that follow from where an event stands, names that are known.</summary>
public sealed class StreamChecks(VerifyReport report, IEventStore store)
{
    private const int StreamsAtOnce = 256;

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

    private void Check(string name, long version, IReadOnlyList<StoredEvent> events)
    {
        report.Same("versions have no gaps", $"stream {name}", events.Select(e => e.Version), Enumerable.Range(1, (int)version));
        foreach (var e in events)
        {
            var subject = $"event {e.Version} of stream {name}";
            report.Same("ids follow from stream and version", subject, e.Id, EventId.Of(name, e.Version));
            report.Holds("stored names are known", subject, FactNames.ByName.ContainsKey(e.Type), e.Type, "a name that this version knows");
        }
    }
}
