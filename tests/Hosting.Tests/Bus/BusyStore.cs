using System.Runtime.CompilerServices;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting.Tests;

/// <summary>A log in which something happens each time before somebody reads all of it.</summary>
internal sealed class BusyStore(IEventStore store, Func<Task> meanwhile) : IEventStore
{
    public async IAsyncEnumerable<StoredEvent> ReadAllAsync(long afterPosition = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await meanwhile();
        await foreach (var stored in store.ReadAllAsync(afterPosition, cancellationToken))
            yield return stored;
    }

    public Task<IReadOnlyList<StoredEvent>> AppendAsync(string stream, long expectedVersion, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken = default) =>
        store.AppendAsync(stream, expectedVersion, events, cancellationToken);

    public Task<StoredEvent> AppendOnceAsync(string stream, long version, NewEvent newEvent, CancellationToken cancellationToken = default) =>
        store.AppendOnceAsync(stream, version, newEvent, cancellationToken);

    public Task<IReadOnlyList<T>> ReadStreamAsync<T>(string stream, long fromVersion, Func<StoredEvent, T> read, CancellationToken cancellationToken = default) =>
        store.ReadStreamAsync(stream, fromVersion, read, cancellationToken);

    public Task<IReadOnlyList<StoredEvent>> ReadStreamAsync(string stream, long fromVersion = 1, CancellationToken cancellationToken = default) =>
        store.ReadStreamAsync(stream, fromVersion, cancellationToken);

    public Task<IReadOnlyList<StoredEvent>> ReadStreamsAsync(
        IReadOnlyCollection<string> streams, long fromVersion = 1, long toVersion = long.MaxValue, CancellationToken cancellationToken = default) =>
        store.ReadStreamsAsync(streams, fromVersion, toVersion, cancellationToken);

    public IAsyncEnumerable<StoredEvent> FollowAsync(long afterPosition = 0, CancellationToken cancellationToken = default) => store.FollowAsync(afterPosition, cancellationToken);

    public Task<long> GetVersionAsync(string stream, CancellationToken cancellationToken = default) => store.GetVersionAsync(stream, cancellationToken);

    public Task<IReadOnlyList<StreamVersion>> FindStreamsAsync(string prefix, CancellationToken cancellationToken = default) => store.FindStreamsAsync(prefix, cancellationToken);
}
