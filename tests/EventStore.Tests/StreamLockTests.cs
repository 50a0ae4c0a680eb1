using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

public sealed class StreamLockTests(Postgres postgres)
{
    [Fact]
    public async Task One_holder_at_a_time_and_the_next_when_it_gives_the_lock_back()
    {
        await using var dataSource = await postgres.CreateEmptyAsync();
        var name = $"training-{Guid.NewGuid()}";
        var first = (await StreamLock.TryAcquireAsync(dataSource, name)).ShouldNotBeNull();
        (await StreamLock.TryAcquireAsync(dataSource, name)).ShouldBeNull();
        await using (var other = await StreamLock.TryAcquireAsync(dataSource, name + "2"))
            other.ShouldNotBeNull();

        await first.DisposeAsync();
        await first.DisposeAsync();

        await using var second = (await StreamLock.TryAcquireAsync(dataSource, name)).ShouldNotBeNull();
        second.Lost.IsCancellationRequested.ShouldBeFalse();
    }

    [Theory(Timeout = 120_000)] // a lock that stays for ever says so
    [InlineData("create function {0}.pg_try_advisory_lock(key bigint) returns boolean language plpgsql as $$ begin perform pg_catalog.pg_try_advisory_lock(key); raise exception 'taken, but not said'; end $$")]
    [InlineData("create function {0}.pg_advisory_unlock_all() returns void language plpgsql as $$ begin raise exception 'not now'; end $$")]
    public async Task A_lock_that_cannot_be_given_back_goes_with_its_connection_which_the_pool_does_not_keep(string spoil)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var dataSource = await postgres.CreateEmptyAsync();
        var schema = new NpgsqlConnectionStringBuilder(dataSource.ConnectionString).SearchPath!;
        await using (var command = dataSource.CreateCommand(spoil.Replace("{0}", schema, StringComparison.Ordinal)))
            await command.ExecuteNonQueryAsync(cancellationToken);
        await using var spoilt = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(dataSource.ConnectionString) { SearchPath = $"{schema}, pg_catalog" });
        var name = $"training-{Guid.NewGuid()}";

        try
        {
            await using var held = (await StreamLock.TryAcquireAsync(spoilt, name, cancellationToken)).ShouldNotBeNull();
        }
        catch (PostgresException)
        {
        }

        StreamLock? next;
        while ((next = await StreamLock.TryAcquireAsync(dataSource, name, cancellationToken)) is null)
            cancellationToken.ThrowIfCancellationRequested();
        await next.DisposeAsync();
    }

    [Fact]
    public async Task A_lost_connection_is_told_and_frees_the_lock()
    {
        await using var dataSource = await postgres.CreateEmptyAsync();
        var name = $"training-{Guid.NewGuid()}";
        await using var held = (await StreamLock.TryAcquireAsync(dataSource, name)).ShouldNotBeNull();
        var told = new TaskCompletionSource();
        await using var registration = held.Lost.Register(told.SetResult);

        await using (var kill = dataSource.CreateCommand("select pg_terminate_backend(pid, 60000) from pg_locks where locktype = 'advisory' and (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 0)"))
        {
            kill.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            (await kill.ExecuteScalarAsync()).ShouldBe(true);
        }

        await told.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await using var next = await StreamLock.TryAcquireAsync(dataSource, name);
        next.ShouldNotBeNull();
    }
}
