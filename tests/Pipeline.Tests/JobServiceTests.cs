using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class JobServiceTests(LogDatabase database) : IClassFixture<LogDatabase>
{
    [Fact]
    public async Task A_job_that_another_worker_does_waits_behind_those_that_nobody_does_and_is_taken_over_when_that_worker_is_gone()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await database.CreateAsync();
        var other = await StreamLock.TryAcquireAsync(log.Database, "first", cancellationToken);
        using var host = Host(log);
        await host.StartAsync(cancellationToken);

        var (queue, jobs) = (host.Services.GetRequiredService<JobQueue<string>>(), host.Services.GetRequiredService<Jobs>());
        queue.Note("first");
        queue.Note("second");
        await jobs.Done["second"].Task.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
        jobs.Done["first"].Task.IsCompleted.ShouldBeFalse();

        await other!.DisposeAsync();
        await jobs.Done["first"].Task.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
        await host.StopAsync(cancellationToken);
    }

    [Fact]
    public async Task A_job_that_fails_after_its_lock_was_lost_is_tried_again()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var log = await database.CreateAsync();
        using var host = Host(log);
        await host.StartAsync(cancellationToken);

        var jobs = host.Services.GetRequiredService<Jobs>();
        jobs.Before = async lost =>
        {
            jobs.Before = null;
            await using (var end = log.Database.CreateCommand("select pg_terminate_backend(pid, 60000) from pg_locks where locktype = 'advisory' and (classid::bigint << 32 | objid::bigint) = hashtextextended('first', 0)"))
                (await end.ExecuteScalarAsync(cancellationToken)).ShouldBe(true);
            await Task.WhenAny(Task.Delay(Timeout.Infinite, lost));
            throw new DirectoryNotFoundException("what the next worker has moved away");
        };
        host.Services.GetRequiredService<JobQueue<string>>().Note("first");

        await jobs.Done["first"].Task.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
        host.Services.GetRequiredService<HostFailure>().First.ShouldBeNull();
        await host.StopAsync(cancellationToken);
    }

    private static IHost Host(LogUnderTest log)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        var module = new WorkerModule("test", services => services.AddSingleton<JobQueue<string>>().AddSingleton<Jobs>().AddHostedService(provider => provider.GetRequiredService<Jobs>()), _ => { });
        builder.Services.AddWorkers(new WorkerOptions { Data = "/nowhere", Postgres = log.Database.ConnectionString }, [module]);
        return builder.Build();
    }

    private sealed class Jobs(JobQueue<string> queue, NpgsqlDataSource source, HostFailure failure, Recovery recovery, ILogger<Jobs> logger)
        : JobService<string>(queue, source, failure, recovery, logger)
    {
        public Dictionary<string, TaskCompletionSource> Done { get; } = new() { ["first"] = new(), ["second"] = new() };

        protected override string LockOf(string job) => job;

        protected override string RunOf(string job) => job;

        public Func<CancellationToken, Task>? Before { get; set; }

        protected override async Task DoAsync(string job, CancellationToken cancellationToken)
        {
            if (Before is { } before)
                await before(cancellationToken);
            Done[job].SetResult();
        }
    }
}
