using System.Buffers.Binary;
using System.Data;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// Which prompts are being worked on, by whichever process: AMQP counts what waits in a queue, and does not say what has been taken out of it. Who begins on a prompt that
/// costs time takes a PostgreSQL session lock that others may take, too; it ends with the work, or with the process, however that ends. Nobody waits for it, and nothing
/// that is computed depends on it: <see cref="Recovery"/> alone asks, so as not to have the same work done twice.
/// </summary>
public sealed class WorkInHand(NpgsqlDataSource database, WorkerOptions options) : IDisposable
{
    // A machine that is gone without a word is noticed in half a minute, not in two hours, and its locks go.
    private const string NoticeTheDead = "set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 4";

    private readonly SemaphoreSlim _gate = new(1);
    private NpgsqlConnection? _connection;
    private int _held;

    /// <summary>Says that a prompt is worked on, until disposed. Null where there is no broker: then nobody else could do the work.</summary>
    public async Task<IAsyncDisposable?> TakeAsync(string run, int iteration, int ordinal, CancellationToken cancellationToken)
    {
        if (options.RabbitMq is null)
            return null;
        var key = KeyOf(run, iteration, ordinal);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            // A connection that was lost says so only when it is used.
            if (_connection is null || !await TryTakeAsync(_connection, key, cancellationToken))
            {
                await ForgetAsync(mayHoldLocks: true);
                _connection = await OpenAsync(cancellationToken);
                await LockAsync(_connection, key, cancellationToken);
            }

            _held++;
            return new Held(this, _connection, key);
        }
        catch when (_held == 0)
        {
            // What was broken off may have been taken all the same, and there is nobody to give it back.
            await ForgetAsync(mayHoldLocks: true);
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Gives up what is still held.</summary>
    public void Dispose()
    {
        if (_connection is not null)
            database.Clear();
        _connection?.Dispose();
        _gate.Dispose();
    }

    /// <summary>All that is worked on now, by the keys of <see cref="KeyOf"/>.</summary>
    internal static async Task<IReadOnlySet<long>> AllAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        // A key of 64 bits is shown in halves (https://www.postgresql.org/docs/current/view-pg-locks.html).
        await using var ask = database.CreateCommand(
            "select (classid::bigint << 32) | objid::bigint from pg_locks where locktype = 'advisory' and objsubid = 1 and mode = 'ShareLock' and granted " +
            "and database = (select oid from pg_database where datname = current_database())");
        await using var reader = await ask.ExecuteReaderAsync(cancellationToken);
        var keys = new HashSet<long>();
        while (await reader.ReadAsync(cancellationToken))
            keys.Add(reader.GetInt64(0));
        return keys;
    }

    /// <summary>The lock of a prompt.</summary>
    internal static long KeyOf(string run, int iteration, int ordinal) =>
        BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"in hand: {StreamNames.Prompt(run, iteration, ordinal)}")));

    private static async Task<bool> TryTakeAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken)
    {
        try
        {
            await LockAsync(connection, key, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException && connection.State != ConnectionState.Open)
        {
            return false;
        }
    }

    private static Task LockAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken) =>
        ExecuteAsync(connection, "select pg_try_advisory_lock_shared($1)", key, cancellationToken);

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var settings = new NpgsqlCommand(NoticeTheDead, connection);
            await settings.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async ValueTask ReleaseAsync(NpgsqlConnection connection, long key)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            // The connection was lost meanwhile, and its locks with it.
            if (connection != _connection)
                return;
            // A lock whose taking was broken off goes with the last, too.
            await ExecuteAsync(connection, --_held > 0 ? "select pg_advisory_unlock_shared($1)" : "select pg_advisory_unlock_all() from (select $1) as mine", key, CancellationToken.None);
            // Who has nothing in hand needs no connection.
            if (_held == 0)
                await ForgetAsync(mayHoldLocks: false);
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            await ForgetAsync(mayHoldLocks: true);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task ForgetAsync(bool mayHoldLocks)
    {
        var connection = _connection;
        (_connection, _held) = (null, 0);
        if (connection is not null)
            await (mayHoldLocks ? StreamLock.CloseAsync(database, connection) : connection.DisposeAsync());
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string statement, long key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = key } } };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed class Held(WorkInHand hand, NpgsqlConnection connection, long key) : IAsyncDisposable
    {
        private bool _isDisposed;

        public ValueTask DisposeAsync()
        {
            if (_isDisposed)
                return ValueTask.CompletedTask;
            _isDisposed = true;
            return hand.ReleaseAsync(connection, key);
        }
    }
}
