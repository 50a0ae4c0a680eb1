using Npgsql;
using NpgsqlTypes;

namespace SelfRewarding.Benchmarks;

/// <summary>A transaction of SQL that is not the store's: it has drawn a number and inserted an event, and is open until told.</summary>
internal sealed class OpenTransaction : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private OpenTransaction(NpgsqlConnection connection, NpgsqlTransaction transaction) => (_connection, _transaction) = (connection, transaction);

    /// <summary>The server's process for it.</summary>
    public int ProcessId => _connection.ProcessID;

    public static async Task<OpenTransaction> BeginAsync(NpgsqlDataSource database, string stream, byte[] data)
    {
        var connection = await database.OpenConnectionAsync();
        try
        {
            var transaction = await connection.BeginTransactionAsync();
            await using var batch = new NpgsqlBatch(connection, transaction)
            {
                BatchCommands =
                {
                    new NpgsqlBatchCommand("insert into mt_streams (id, version) values ($1, 1)") { Parameters = { new NpgsqlParameter<string> { TypedValue = stream } } },
                    new NpgsqlBatchCommand("insert into mt_events (seq_id, id, stream_id, version, data, type, timestamp) values (nextval('mt_events_sequence'), gen_random_uuid(), $1, 1, $2, 'payload_noted', now())")
                    {
                        Parameters = { new NpgsqlParameter<string> { TypedValue = stream }, new NpgsqlParameter<byte[]> { TypedValue = data, NpgsqlDbType = NpgsqlDbType.Jsonb } },
                    },
                },
            };
            await batch.ExecuteNonQueryAsync();
            return new OpenTransaction(connection, transaction);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public Task CommitAsync() => _transaction.CommitAsync();

    public Task RollbackAsync() => _transaction.RollbackAsync();

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _connection.DisposeAsync();
        }
        catch (NpgsqlException)
        {
            // Killed.
        }
    }
}
