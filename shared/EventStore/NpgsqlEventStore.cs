using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>The event store over Npgsql, in Marten's own tables (<see cref="EventStoreSchema"/>).</summary>
public sealed class NpgsqlEventStore(NpgsqlDataSource dataSource, TimeProvider time) : IEventStore, IAsyncDisposable
{
    private static NotSupportedException Unbuilt => new("The event store is not built yet.");

    private string Where => $"{dataSource} {time}";

    public Task<IReadOnlyList<StoredEvent>> AppendAsync(
        string stream, long expectedVersion, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken = default) => throw Unbuilt;

    public Task<StoredEvent> AppendOnceAsync(string stream, long version, NewEvent newEvent, CancellationToken cancellationToken = default) => throw Unbuilt;

    public Task<IReadOnlyList<StoredEvent>> ReadStreamAsync(string stream, long fromVersion = 1, CancellationToken cancellationToken = default) => throw Unbuilt;

    public IAsyncEnumerable<StoredEvent> ReadAllAsync(long afterPosition = 0, CancellationToken cancellationToken = default) => throw Unbuilt;

    public IAsyncEnumerable<StoredEvent> FollowAsync(long afterPosition = 0, CancellationToken cancellationToken = default) => throw Unbuilt;

    public Task<long> GetVersionAsync(string stream, CancellationToken cancellationToken = default) => throw Unbuilt;

    public Task<IReadOnlyList<StreamVersion>> FindStreamsAsync(string prefix, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(Where);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
