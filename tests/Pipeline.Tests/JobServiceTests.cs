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
        var builder = Host.CreateEmptyApplicationBuilder(null);
        var module = new WorkerModule("test", services => services.AddSingleton<JobQueue<string>>().AddSingleton<Jobs>().AddHostedService(provider => provider.GetRequiredService<Jobs>()), _ => { });
        builder.Services.AddWorkers(new WorkerOptions { Data = "/nowhere", Postgres = log.Database.ConnectionString }, [module]);
        using var host = builder.Build();
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

    private sealed class Jobs(JobQueue<string> queue, NpgsqlDataSource source, HostFailure failure, Recovery recovery, ILogger<Jobs> logger)
        : JobService<string>(queue, source, failure, recovery, logger)
    {
        public Dictionary<string, TaskCompletionSource> Done { get; } = new() { ["first"] = new(), ["second"] = new() };

        protected override string LockOf(string job) => job;

        protected override string RunOf(string job) => job;

        protected override Task DoAsync(string job, CancellationToken cancellationToken)
        {
            Done[job].SetResult();
            return Task.CompletedTask;
        }
    }
}
