using System.Runtime.CompilerServices;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>The event store over Npgsql, in Marten's own tables (<see cref="EventStoreSchema"/>).</summary>
/// <param name="dataSource">The database that has the tables, and accepts writes: a standby cannot tell which writers are in flight.</param>
/// <param name="time">Stamps the events.</param>
/// <param name="settled">A position that a reader in global order has passed before, in whatever process: up to there nothing can appear any more.</param>
public sealed class NpgsqlEventStore(NpgsqlDataSource dataSource, TimeProvider time, long settled = 0) : IEventStore, IAsyncDisposable
{
    // How long ReadAllAsync waits for the transactions that were in flight when it was called: an append takes a few milliseconds.
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(2);

    private readonly EventAppender _appender = new(dataSource, time);
    private readonly AppendSignal _signal = new(dataSource);
    private readonly LogTail _tail = new(dataSource);

    // Once settled, a position stays so: what one reader has found out spares the next one a wait.
    private long _settled = settled;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredEvent>> AppendAsync(
        string stream, long expectedVersion, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken = default)
    {
        EventText.CheckStream(stream);
        ArgumentOutOfRangeException.ThrowIfNegative(expectedVersion);
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0)
            throw new ArgumentException($"Nothing was given to append to stream '{stream}', expected at least one event.", nameof(events));
        var stored = await _appender.TryAppendAsync(stream, expectedVersion, events, cancellationToken)
            ?? throw new VersionConflictException(stream, expectedVersion, await GetOpenVersionAsync(stream, cancellationToken));
        StoreTelemetry.Saw(stored[^1].Position);
        _signal.Raise();
        return stored;
    }

    /// <inheritdoc/>
    public async Task<StoredEvent> AppendOnceAsync(string stream, long version, NewEvent newEvent, CancellationToken cancellationToken = default)
    {
        EventText.CheckStream(stream);
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        ArgumentNullException.ThrowIfNull(newEvent);
        while (true)
        {
            if (await _appender.TryAppendAsync(stream, version - 1, [newEvent], cancellationToken) is [var appended])
            {
                StoreTelemetry.Saw(appended.Position);
                _signal.Raise();
                return appended;
            }

            if ((await ReadStreamAsync(stream, version, cancellationToken)).FirstOrDefault(e => e.Version == version) is { } existing)
                return existing;
            // At version - 1 by now: the event before this one was appended in between, so try again.
            var actual = await GetOpenVersionAsync(stream, cancellationToken);
            if (actual != version - 1)
                throw new VersionConflictException(stream, version - 1, actual);
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<T>> ReadStreamAsync<T>(string stream, long fromVersion, Func<StoredEvent, T> read, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(read);
        return QueryAsync(
            LogQueries.ReadStream, [new NpgsqlParameter<string> { TypedValue = stream }, new NpgsqlParameter<long> { TypedValue = fromVersion }], stream, read, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredEvent>> ReadStreamAsync(string stream, long fromVersion = 1, CancellationToken cancellationToken = default) =>
        ReadStreamAsync(stream, fromVersion, stored => stored, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredEvent>> ReadStreamsAsync(
        IReadOnlyCollection<string> streams, long fromVersion = 1, long toVersion = long.MaxValue, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(streams);
        return QueryAsync(
            LogQueries.ReadStreams,
            [
                new NpgsqlParameter<string[]> { TypedValue = [.. streams] },
                new NpgsqlParameter<long> { TypedValue = fromVersion },
                new NpgsqlParameter<long> { TypedValue = toVersion },
            ],
            null,
            stored => stored,
            cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredEvent> ReadAllAsync(long afterPosition = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var reader = new GlobalReader(Interlocked.Read(ref _settled));
        var end = long.MaxValue;
        var started = TimeProvider.System.GetTimestamp();
        var reading = ReadPageAsync(reader, afterPosition, cancellationToken);
        try
        {
            while (true)
            {
                var page = await reading;
                RememberSettled(reader.Settled);
                end = Math.Min(end, reader.HighestSeen);
                var isAtEnd = reader.Settled >= end || page.Position >= end;
                // The server reads the next page while the caller works on this one.
                if (page.IsFull)
                    reading = ReadPageAsync(reader, page.Position, cancellationToken);
                foreach (var e in page.Events)
                {
                    if (e.Position > end)
                        yield break;
                    yield return e;
                }

                if (page.IsFull)
                    continue;
                if (isAtEnd || TimeProvider.System.GetElapsedTime(started) > _patience)
                    yield break;
                await Task.Delay(_pause, cancellationToken);
                reading = ReadPageAsync(reader, page.Position, cancellationToken);
            }
        }
        finally
        {
            // A caller that stops early leaves no query behind.
            await Task.WhenAny(reading);
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<StoredEvent> FollowAsync(long afterPosition = 0, CancellationToken cancellationToken = default) =>
        _tail.FollowAsync(afterPosition, Interlocked.Read(ref _settled), cancellationToken);

    /// <inheritdoc/>
    public async Task<long> GetVersionAsync(string stream, CancellationToken cancellationToken = default)
    {
        await using var command = dataSource.CreateCommand(LogQueries.Version);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        return await command.ExecuteScalarAsync(cancellationToken) as long? ?? 0;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StreamVersion>> FindStreamsAsync(string prefix, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        await using var command = dataSource.CreateCommand(LogQueries.FindStreams);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = prefix });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var streams = new List<StreamVersion>();
        while (await reader.ReadAsync(cancellationToken))
            streams.Add(new StreamVersion(reader.GetString(0), reader.GetInt64(1)));
        return streams;
    }

    /// <summary>Sends what is left to notify. The data source is the caller's.</summary>
    public async ValueTask DisposeAsync()
    {
        await _tail.DisposeAsync();
        await _signal.DisposeAsync();
    }

    // A connection a page: none is held while the caller works on what it got.
    private async Task<GlobalPage> ReadPageAsync(GlobalReader reader, long after, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        return await reader.ReadAsync(connection, after, cancellationToken);
    }

    private async Task<IReadOnlyList<T>> QueryAsync<T>(
        string query, NpgsqlParameter[] parameters, string? stream, Func<StoredEvent, T> read, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(query, connection);
        command.Parameters.AddRange(parameters);
        await command.PrepareAsync(cancellationToken);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var all = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            all.Add(read(EventRow.Read(reader, stream)));
        return all;
    }

    private async Task<long> GetOpenVersionAsync(string stream, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(LogQueries.IsArchived);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        if (await command.ExecuteScalarAsync(cancellationToken) is not null)
            throw new InvalidOperationException($"Stream '{stream}' is archived, so nothing can be appended to it: take its archived mark away first.");
        return await GetVersionAsync(stream, cancellationToken);
    }

    private void RememberSettled(long position)
    {
        for (var known = Interlocked.Read(ref _settled); position > known;)
            known = Interlocked.CompareExchange(ref _settled, position, known) is var seen && seen == known ? position : seen;
    }
}
