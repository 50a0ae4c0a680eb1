using System.Diagnostics;
using System.Runtime.CompilerServices;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>A fact with the place where the log keeps it.</summary>
public sealed record Recorded(object Fact, string Stream, long Version, long Position, DateTimeOffset At);

/// <summary>The log in terms of facts. Every append carries the trace that caused it.</summary>
public sealed class FactLog(IEventStore store)
{
    /// <summary>
    /// Appends a fact at its fixed version, or finds what is there already: the answer is what the stream says, whoever wrote it.
    /// This one call is why a crash, a redelivery or two workers at once never lose or double anything.
    /// </summary>
    public async Task<object> AppendOnceAsync(string stream, long version, object fact, CancellationToken cancellationToken) =>
        FactJson.FromEvent(await store.AppendOnceAsync(stream, version, FactJson.ToEvent(fact, CurrentTrace()), cancellationToken));

    /// <summary>Appends facts after <paramref name="expectedVersion"/>; for streams that one holder of a lock writes.</summary>
    /// <exception cref="VersionConflictException">Somebody else wrote to the stream.</exception>
    public Task AppendAsync(string stream, long expectedVersion, IReadOnlyList<object> facts, CancellationToken cancellationToken)
    {
        var trace = CurrentTrace();
        return store.AppendAsync(stream, expectedVersion, [.. facts.Select(fact => FactJson.ToEvent(fact, trace))], cancellationToken);
    }

    /// <summary>The facts of a stream in order; empty when it does not exist.</summary>
    public async Task<IReadOnlyList<object>> ReadAsync(string stream, CancellationToken cancellationToken) =>
        [.. (await store.ReadStreamAsync(stream, 1, cancellationToken)).Select(FactJson.FromEvent)];

    /// <summary>The fact at one version of a stream, or null.</summary>
    public async Task<object?> FindAsync(string stream, long version, CancellationToken cancellationToken)
    {
        var events = await store.ReadStreamAsync(stream, version, cancellationToken);
        return events.Count == 0 ? null : FactJson.FromEvent(events[0]);
    }

    /// <summary>The four stages of one prompt, as far as they have come.</summary>
    public async Task<PromptHistory> ReadPromptAsync(string run, int iteration, int ordinal, CancellationToken cancellationToken) =>
        PromptHistory.Of(await ReadAsync(StreamNames.Prompt(run, iteration, ordinal), cancellationToken));

    /// <summary>Every fact so far, in global order.</summary>
    public async IAsyncEnumerable<Recorded> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var stored in store.ReadAllAsync(0, cancellationToken))
            yield return Record(stored);
    }

    /// <summary>Every fact after a position (0 is the start) and then live, in global order; never skips a late commit.</summary>
    public async IAsyncEnumerable<Recorded> FollowAsync(long afterPosition, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var stored in store.FollowAsync(afterPosition, cancellationToken))
            yield return Record(stored);
    }

    private static Recorded Record(StoredEvent stored) =>
        new(FactJson.FromEvent(stored), stored.Stream, stored.Version, stored.Position, stored.Timestamp);

    // W3C trace context goes into Marten's metadata columns, so that a replay can link to the trace that made the fact.
    private static EventMetadata CurrentTrace() =>
        Activity.Current is { } activity
            ? new EventMetadata(activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), new Dictionary<string, string> { ["traceparent"] = activity.Id! })
            : EventMetadata.Empty;
}
