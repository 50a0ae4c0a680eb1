using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class WorkerHostTests
{
    private const string Postgres = "Host=localhost;Database=log";

    [Fact]
    public async Task A_worker_by_itself_takes_four_connections_at_most() => (await PoolOf(Postgres, workers: 1)).ShouldBe(4);

    [Fact]
    public async Task A_host_of_many_workers_takes_sixteen_connections_at_most() => (await PoolOf(Postgres, workers: 6)).ShouldBe(16);

    [Fact]
    public async Task A_host_without_workers_takes_sixteen_connections_at_most() => (await PoolOf(Postgres, workers: 0)).ShouldBe(16);

    [Theory]
    [InlineData("Maximum Pool Size=100")]
    [InlineData("MaxPoolSize=100")]
    public async Task A_pool_that_the_connection_string_asks_for_is_taken(string asked) => (await PoolOf($"{Postgres};{asked}", workers: 1)).ShouldBe(100);

    [Fact]
    public void A_worker_that_cannot_work_here_is_refused_before_anything_starts()
    {
        var module = new WorkerModule("worker", _ => throw new InvalidOperationException("It was set up."), _ => { }, options => $"SELFREWARD_DEVICE is '{options.Device}', and there is no GPU.");
        var options = new WorkerOptions { Data = "data", Postgres = Postgres, Device = "cuda" };
        Should.Throw<WorkerOptionsException>(() => new ServiceCollection().AddWorkers(options, [module])).Message.ShouldBe("SELFREWARD_DEVICE is 'cuda', and there is no GPU.");
    }

    private static async Task<int> PoolOf(string postgres, int workers)
    {
        var module = new WorkerModule("worker", _ => { }, _ => { });
        var options = new WorkerOptions { Data = "data", Postgres = postgres };
        await using var services = new ServiceCollection().AddLogging().AddWorkers(options, [.. Enumerable.Repeat(module, workers)]).BuildServiceProvider();
        return new NpgsqlConnectionStringBuilder(services.GetRequiredService<NpgsqlDataSource>().ConnectionString).MaxPoolSize;
    }
}
