using System.Text.Json;
using JasperFx.Events;
using Marten;
using Marten.Exceptions;
using Npgsql;
using Weasel.Core;

namespace SelfRewarding.EventStore;

/// <summary>
/// The event store over Marten itself: appends go through an application's <see cref="IDocumentStore"/>, so that its inline projections, listeners and subscriptions see
/// them; reads go straight to the same tables, which needs no .NET type for an event and keeps the promise that no late commit is skipped.
/// <para>
/// Compiled with <c>-p:UseMarten=true</c> alone, and written against the API of Marten 8.37 as its sources have it. The package is not on the feed that this project is
/// built on, so this class has never been run: derive a test class from <c>EventStoreCompliance</c> before relying on it.
/// </para>
/// </summary>
/// <param name="marten">Made with <see cref="Configure"/>.</param>
/// <param name="dataSource">The same database.</param>
/// <param name="types">The .NET type of each stored name that is appended; Marten serialises objects, not JSON.</param>
public sealed class MartenEventStore(IDocumentStore marten, NpgsqlDataSource dataSource, IReadOnlyDictionary<string, Type> types) : IEventStore, IAsyncDisposable
{
    private readonly NpgsqlEventStore _reads = new(dataSource, TimeProvider.System);

    /// <summary>Sets up Marten to use this store's tables and names.</summary>
    /// <param name="options">The application's options.</param>
    /// <param name="types">The .NET type of each stored name.</param>
    public static void Configure(StoreOptions options, IReadOnlyDictionary<string, Type> types)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(types);
        options.Events.StreamIdentity = StreamIdentity.AsString;
        options.Events.MetadataConfig.EnableAll();
        // "Rich" draws the numbers in a transaction of their own, where no reader can tell a late number from a burnt one.
        options.Events.AppendMode = EventAppendMode.Quick;
        options.UseSystemTextJsonForSerialization(EnumStorage.AsInteger, Casing.Default);
        foreach (var (name, type) in types)
            options.Events.MapEventType(type, name);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredEvent>> AppendAsync(
        string stream, long expectedVersion, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken = default)
    {
        EventText.CheckStream(stream);
        ArgumentOutOfRangeException.ThrowIfNegative(expectedVersion);
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0)
            throw new ArgumentException($"Nothing was given to append to stream '{stream}', expected at least one event.", nameof(events));
        if (!await TryAppendAsync(stream, expectedVersion, events, cancellationToken))
            throw new VersionConflictException(stream, expectedVersion, await GetVersionAsync(stream, cancellationToken));
        var stored = await ReadStreamAsync(stream, expectedVersion + 1, cancellationToken);
        return [.. stored.Take(events.Count)];
    }

    /// <inheritdoc/>
    public async Task<StoredEvent> AppendOnceAsync(string stream, long version, NewEvent newEvent, CancellationToken cancellationToken = default)
    {
        EventText.CheckStream(stream);
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        ArgumentNullException.ThrowIfNull(newEvent);
        while (true)
        {
            await TryAppendAsync(stream, version - 1, [newEvent], cancellationToken);
            if ((await ReadStreamAsync(stream, version, cancellationToken)).FirstOrDefault(e => e.Version == version) is { } there)
                return there;
            var actual = await GetVersionAsync(stream, cancellationToken);
            if (actual != version - 1)
                throw new VersionConflictException(stream, version - 1, actual);
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<T>> ReadStreamAsync<T>(string stream, long fromVersion, Func<StoredEvent, T> read, CancellationToken cancellationToken = default) =>
        _reads.ReadStreamAsync(stream, fromVersion, read, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredEvent>> ReadStreamAsync(string stream, long fromVersion = 1, CancellationToken cancellationToken = default) =>
        _reads.ReadStreamAsync(stream, fromVersion, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredEvent>> ReadStreamsAsync(
        IReadOnlyCollection<string> streams, long fromVersion = 1, long toVersion = long.MaxValue, CancellationToken cancellationToken = default) =>
        _reads.ReadStreamsAsync(streams, fromVersion, toVersion, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<StoredEvent> ReadAllAsync(long afterPosition = 0, CancellationToken cancellationToken = default) =>
        _reads.ReadAllAsync(afterPosition, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<StoredEvent> FollowAsync(long afterPosition = 0, CancellationToken cancellationToken = default) =>
        _reads.FollowAsync(afterPosition, cancellationToken);

    /// <inheritdoc/>
    public Task<long> GetVersionAsync(string stream, CancellationToken cancellationToken = default) => _reads.GetVersionAsync(stream, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StreamVersion>> FindStreamsAsync(string prefix, CancellationToken cancellationToken = default) =>
        _reads.FindStreamsAsync(prefix, cancellationToken);

    /// <summary>Ends the readers' part. The document store is the caller's.</summary>
    public ValueTask DisposeAsync() => _reads.DisposeAsync();

    private async Task<bool> TryAppendAsync(string stream, long expectedVersion, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken)
    {
        await using var session = marten.LightweightSession();
        var wrapped = events.Select((e, i) => Wrap(session, stream, expectedVersion + i + 1, e)).ToList();
        if (expectedVersion == 0)
            session.Events.StartStream(stream, wrapped);
        else
            // Marten's expected version is the one after the append.
            session.Events.Append(stream, expectedVersion + events.Count, wrapped);
        try
        {
            await session.SaveChangesAsync(cancellationToken);
            return true;
        }
        catch (Exception e) when (IsConflict(e))
        {
            return false;
        }
    }

    // Where there is no such stream at all, the update of its row finds nothing, and before Marten says so the first insert breaks the foreign key.
    private static bool IsConflict(Exception e) =>
        e is EventStreamUnexpectedMaxEventIdException or ExistingStreamIdCollisionException
            or MartenCommandException { InnerException: PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation, ConstraintName: "fkey_mt_events_stream_id" } };

    private object Wrap(IDocumentSession session, string stream, long version, NewEvent e)
    {
        EventText.Check(stream, e);
        if (!types.TryGetValue(e.Type, out var type))
            throw new ArgumentException($"Event '{e.Type}' for stream '{stream}' has no .NET type: give it in '{nameof(types)}'.");
        var wrapped = session.Events.BuildEvent(Read(stream, e, type));
        wrapped.Id = EventId.Of(stream, version);
        wrapped.CorrelationId = e.Metadata.CorrelationId;
        wrapped.CausationId = e.Metadata.CausationId;
        foreach (var (name, value) in e.Metadata.Headers ?? new Dictionary<string, string>())
            wrapped.SetHeader(name, value);
        return wrapped;
    }

    private static object Read(string stream, NewEvent e, Type type)
    {
        try
        {
            return JsonSerializer.Deserialize(e.Data.Span, type) ?? throw new JsonException("it is null.");
        }
        catch (JsonException reason)
        {
            throw new ArgumentException($"Event '{e.Type}' for stream '{stream}' cannot be stored as {type.Name}: {reason.Message}", reason);
        }
    }
}
