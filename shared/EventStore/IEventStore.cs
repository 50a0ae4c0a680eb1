namespace SelfRewarding.EventStore;

/// <summary>
/// Append-only streams of events, and one global order over all of them. The store knows no event by name.
/// All methods may be called from many tasks at once.
/// </summary>
public interface IEventStore
{
    /// <summary>Appends events at the end of a stream, all or none.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="expectedVersion">The version of the stream's last event; 0 starts a new stream.</param>
    /// <param name="events">At least one.</param>
    /// <param name="cancellationToken">Once the statement has been sent, cancelling leaves it open whether the events were appended.</param>
    /// <returns>The events with their positions and versions.</returns>
    /// <exception cref="VersionConflictException">The stream is at another version; nothing was appended.</exception>
    /// <exception cref="ArgumentException">An event cannot be stored (no JSON, U+0000, a name that is too long); nothing was appended.</exception>
    Task<IReadOnlyList<StoredEvent>> AppendAsync(
        string stream, long expectedVersion, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken = default);

    /// <summary>Appends the event as this version of the stream, unless an event is there already. Safe to repeat and to race.</summary>
    /// <returns>The event at <paramref name="version"/>: appended now, or what was there, whoever wrote it.</returns>
    /// <exception cref="VersionConflictException">The stream is shorter than <paramref name="version"/> − 1.</exception>
    /// <exception cref="ArgumentException">The event cannot be stored.</exception>
    Task<StoredEvent> AppendOnceAsync(string stream, long version, NewEvent newEvent, CancellationToken cancellationToken = default);

    /// <summary>What the stream's events from a version on are read as, in order; empty where there are none.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="fromVersion">The first version.</param>
    /// <param name="read">Called for each event as it arrives, so that a long stream is not in memory twice.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    Task<IReadOnlyList<T>> ReadStreamAsync<T>(string stream, long fromVersion, Func<StoredEvent, T> read, CancellationToken cancellationToken = default);

    /// <summary>The stream's events from a version on, in order; empty where there are none.</summary>
    Task<IReadOnlyList<StoredEvent>> ReadStreamAsync(string stream, long fromVersion = 1, CancellationToken cancellationToken = default);

    /// <summary>The events of many streams in one query, in global order. A stream that does not exist has none.</summary>
    /// <param name="streams">Names, each once.</param>
    /// <param name="fromVersion">The first version of each stream to read.</param>
    /// <param name="toVersion">The last one.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    Task<IReadOnlyList<StoredEvent>> ReadStreamsAsync(
        IReadOnlyCollection<string> streams, long fromVersion = 1, long toVersion = long.MaxValue, CancellationToken cancellationToken = default);

    /// <summary>
    /// Every event after a position, in global order, up to the safe mark at the time of the call: no event with a position below the last
    /// one given can appear later.
    /// </summary>
    /// <param name="afterPosition">The last position that the reader has passed; 0 reads from the start.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    IAsyncEnumerable<StoredEvent> ReadAllAsync(long afterPosition = 0, CancellationToken cancellationToken = default);

    /// <summary>
    /// As <see cref="ReadAllAsync"/>, then every event as it is committed, until cancelled. No event is skipped or given twice, however late its
    /// transaction commits; a number that no event will ever have is not waited for. A lost connection is made anew.
    /// </summary>
    IAsyncEnumerable<StoredEvent> FollowAsync(long afterPosition = 0, CancellationToken cancellationToken = default);

    /// <summary>The version of the stream's last event; 0 where there is no such stream.</summary>
    Task<long> GetVersionAsync(string stream, CancellationToken cancellationToken = default);

    /// <summary>The streams whose names begin so, ordered by name.</summary>
    Task<IReadOnlyList<StreamVersion>> FindStreamsAsync(string prefix, CancellationToken cancellationToken = default);
}
