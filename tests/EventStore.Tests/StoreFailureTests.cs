using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

public sealed class StoreFailureTests(Postgres postgres)
{
    [Fact]
    public async Task A_session_that_was_ended_while_it_idled_in_the_pool_passes()
    {
        await using var dataSource = await postgres.CreateEmptyAsync();
        int session;
        await using (var connection = await dataSource.OpenConnectionAsync())
            session = connection.ProcessID;
        await EndAsync(dataSource, session);

        var failure = await Should.ThrowAsync<NpgsqlException>(async () =>
        {
            await using var ask = dataSource.CreateCommand("select 1");
            await ask.ExecuteScalarAsync();
        });

        StoreFailure.Passes(failure).ShouldBeTrue(failure.ToString());
    }

    [Fact]
    public async Task A_session_that_is_ended_in_a_query_passes()
    {
        await using var dataSource = await postgres.CreateEmptyAsync();
        await using var connection = await dataSource.OpenConnectionAsync();
        await using var ask = new NpgsqlCommand($"select pg_terminate_backend(pg_backend_pid()), pg_sleep(60)", connection);

        var failure = await Should.ThrowAsync<PostgresException>(() => ask.ExecuteScalarAsync());

        failure.SqlState.ShouldBe(PostgresErrorCodes.AdminShutdown);
        StoreFailure.Passes(failure).ShouldBeTrue();
    }

    [Theory]
    [InlineData(PostgresErrorCodes.CannotConnectNow, true)] // recovers from a crash
    [InlineData(PostgresErrorCodes.DeadlockDetected, true)]
    [InlineData(PostgresErrorCodes.DiskFull, false)]
    [InlineData(PostgresErrorCodes.UndefinedTable, false)]
    [InlineData(PostgresErrorCodes.InvalidPassword, false)]
    public void What_the_server_says_passes_or_does_not(string state, bool passes) => StoreFailure.Passes(new PostgresException("text", "FATAL", "FATAL", state)).ShouldBe(passes);

    // Over a connection that is not of the pool.
    private static async Task EndAsync(NpgsqlDataSource dataSource, int session)
    {
        await using var admin = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(dataSource.ConnectionString) { Pooling = false });
        await using var end = admin.CreateCommand($"select pg_terminate_backend({session}, 60000)");
        (await end.ExecuteScalarAsync()).ShouldBe(true);
    }
}
