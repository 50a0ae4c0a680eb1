using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>A fact with the place where the log keeps it.</summary>
/// <param name="TraceParent">The W3C trace context that it was recorded in, or null.</param>
/// <param name="Shared">A fork has it from the run that it comes from.</param>
/// <param name="MoreFollow">Another fact of the same position follows: a fork's first event stands for itself and for all that is shared.</param>
public sealed record Recorded(
    object Fact, string Stream, long Version, long Position, DateTimeOffset At, string? TraceParent = null, bool Shared = false, bool MoreFollow = false);

/// <summary>The log in terms of facts. Every append carries the trace that caused it.</summary>
/// <param name="store">Where the events are.</param>
/// <param name="logger">Is told of each event name that this version does not know, once.</param>
/// <param name="versions">The shapes that facts have; null is those of this version.</param>
public sealed class FactLog(IEventStore store, ILogger<FactLog>? logger = null, FactVersions? versions = null)
{
    // https://www.w3.org/TR/trace-context/#traceparent-header
    private const string TraceParent = "traceparent";

    private readonly ILogger _logger = logger ?? NullLogger<FactLog>.Instance;
    private readonly ConcurrentDictionary<string, bool> _unknown = new(StringComparer.Ordinal);

    /// <summary>The shapes in which facts are written and read.</summary>
    public FactVersions Versions { get; } = versions ?? FactNames.Versions;

    /// <summary>
    /// Appends a fact at its fixed version, or finds what is there already: the answer is what the stream says, whoever wrote it.
    /// This one call is why a crash, a redelivery or two workers at once never lose or double anything.
    /// </summary>
    public async Task<object> AppendOnceAsync(string stream, long version, object fact, CancellationToken cancellationToken) =>
        Read(await store.AppendOnceAsync(stream, version, FactJson.ToEvent(fact, CurrentTrace(), Versions), cancellationToken));

    /// <summary>Appends facts after <paramref name="expectedVersion"/>; for streams that one holder of a lock writes.</summary>
    /// <exception cref="VersionConflictException">Somebody else wrote to the stream.</exception>
    public Task AppendAsync(string stream, long expectedVersion, IReadOnlyList<object> facts, CancellationToken cancellationToken)
    {
        var trace = CurrentTrace();
        return store.AppendAsync(stream, expectedVersion, [.. facts.Select(fact => FactJson.ToEvent(fact, trace, Versions))], cancellationToken);
    }

    /// <summary>The first event of a stream, of the trace at hand, to be appended among those of other streams.</summary>
    internal EventCopy First(string stream, object fact, DateTimeOffset at) => EventCopy.Of(stream, 1, FactJson.ToEvent(fact, CurrentTrace(), Versions), at);

    /// <summary>The facts of a stream in order; empty when it does not exist.</summary>
    public Task<IReadOnlyList<object>> ReadAsync(string stream, CancellationToken cancellationToken) => store.ReadStreamAsync(stream, 1, Read, cancellationToken);

    /// <summary>The fact at one version of a stream, or null.</summary>
    public async Task<object?> FindAsync(string stream, long version, CancellationToken cancellationToken)
    {
        var events = await store.ReadStreamsAsync([stream], version, version, cancellationToken);
        return events.Count == 0 ? null : Read(events[0]);
    }

    /// <summary>The names of the streams that begin so.</summary>
    public async Task<IReadOnlyList<string>> FindStreamsAsync(string prefix, CancellationToken cancellationToken) =>
        [.. (await store.FindStreamsAsync(prefix, cancellationToken)).Select(stream => stream.Stream)];

    /// <summary>The facts of many streams in global order, in one query.</summary>
    public async Task<IReadOnlyList<Recorded>> ReadManyAsync(
        IReadOnlyCollection<string> streams, long fromVersion, long toVersion, CancellationToken cancellationToken) =>
        [.. (await store.ReadStreamsAsync(streams, fromVersion, toVersion, cancellationToken)).Select(Record)];

    /// <summary>Every fact after a position (0 is the start) so far, in global order.</summary>
    /// <param name="afterPosition">The last position that the reader has passed.</param>
    /// <param name="run">Only this run's facts; null is every run's.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<Recorded> ReadAllAsync(long afterPosition, string? run, CancellationToken cancellationToken) =>
        RecordAsync(store.ReadAllAsync(afterPosition, cancellationToken), run, cancellationToken);

    /// <summary>As <see cref="ReadAllAsync"/> and then live; never skips a late commit.</summary>
    public IAsyncEnumerable<Recorded> FollowAsync(long afterPosition, string? run, CancellationToken cancellationToken) =>
        RecordAsync(store.FollowAsync(afterPosition, cancellationToken), run, cancellationToken);

    // What is another run's is not even decoded: a log holds many runs.
    private async IAsyncEnumerable<Recorded> RecordAsync(
        IAsyncEnumerable<StoredEvent> events, string? run, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var stored in events.WithCancellation(cancellationToken))
        {
            if (run is null || StreamNames.MayBelongTo(stored.Stream, run))
                yield return Record(stored);
        }
    }

    private Recorded Record(StoredEvent stored) =>
        new(Read(stored), stored.Stream, stored.Version, stored.Position, stored.Timestamp, stored.Metadata.Headers?.GetValueOrDefault(TraceParent));

    private object Read(StoredEvent stored)
    {
        var fact = FactJson.FromEvent(stored, Versions);
        if (fact is UnknownFact && _unknown.TryAdd(stored.Type, true))
            _logger.UnknownFactRead(stored.Type, stored.Stream, stored.Version);
        return fact;
    }

    // W3C trace context goes into Marten's metadata columns, so that a replay can link to the trace that made the fact.
    private static EventMetadata CurrentTrace() =>
        Activity.Current is { } activity
            ? new EventMetadata(activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), new Dictionary<string, string> { [TraceParent] = activity.Id! })
            : EventMetadata.Empty;
}
