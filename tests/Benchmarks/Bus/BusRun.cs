using System.Diagnostics;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Judge;
using SelfRewarding.PairBuilder;
using SelfRewarding.PromptGen;
using SelfRewarding.Sampler;

namespace SelfRewarding.Benchmarks;

/// <summary>One iteration in one host that has the workers of the four stages, from the model's publication to the frozen dataset; texts come at once.</summary>
internal sealed class BusRun(BenchmarkServers servers, WorkerOptions options, RecordedTexts texts)
{
    private const string Run = "bus";

    private static readonly WorkerModule[] _stages = [PromptGenModule.Module, SamplerModule.Module, JudgeModule.Module, PairBuilderModule.Module];
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(20);

    /// <summary>Sends the prompts through.</summary>
    /// <exception cref="InvalidOperationException">Something failed: then there is nothing to report.</exception>
    public async Task<BusFigures> MeasureAsync(int prompts, CancellationToken cancellationToken)
    {
        var settings = Settings(prompts);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton<ITextGenerator>(new RecordedGenerator(texts, settings.Format, pace: null)).AddWorkers(options, _stages);
        using var host = builder.Build();
        var (database, log, runs, bus) = (host.Services.GetRequiredService<NpgsqlDataSource>(), host.Services.GetRequiredService<FactLog>(),
            host.Services.GetRequiredService<RunLog>(), host.Services.GetRequiredService<IBus>());
        var model = await PublishModelsAsync(log, runs, settings, cancellationToken);
        var traffic = new BusTraffic();
        bus.ConnectPublishObserver(traffic);
        bus.ConnectReceiveObserver(traffic);
        await host.StartAsync(cancellationToken);

        var written = (await LogSize.OfAsync(database, cancellationToken)).Written;
        var (postgres, rabbit, cpu, allocated) = (servers.PostgresUse.Cpu, servers.RabbitMqUse.Cpu, Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes());
        var started = Stopwatch.GetTimestamp();
        await bus.PublishFactAsync(model, cancellationToken);
        var (frozen, peak) = await AwaitFrozenAsync(host, log, traffic, cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(started);
        cpu = Environment.CpuUsage.TotalTime - cpu;
        (postgres, rabbit, allocated) = (servers.PostgresUse.Cpu - postgres, servers.RabbitMqUse.Cpu - rabbit, GC.GetTotalAllocatedBytes() - allocated);
        var size = await LogSize.OfAsync(database, cancellationToken);
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        await host.StopAsync(cancellationToken);

        var (slowing, freezing) = await PaceAsync(database, cancellationToken);
        return new BusFigures(
            prompts, frozen.Pairs, elapsed, slowing, freezing, cpu, postgres, rabbit, traffic, size with { Written = size.Written - written }, allocated, heap, peak,
            await RecoverAsync(runs, cancellationToken), await ReadAsync(runs, cancellationToken));
    }

    // Little seed data: a worker makes it at its first use.
    private static RunSettings Settings(int prompts) => Presets.Kata with
    {
        Iterations = 1,
        Prompts = Presets.Kata.Prompts with { PerIteration = prompts },
        Data = Presets.Kata.Data with { KataIft = 100, KataEft = 100, KataDrafts = 100 },
        Evaluation = Presets.Kata.Evaluation with { Prompts = 8, Ranked = 8 },
    };

    private static async Task<object> PublishModelsAsync(FactLog log, RunLog runs, RunSettings settings, CancellationToken cancellationToken)
    {
        await log.AppendOnceAsync(StreamNames.Run(Run), RunStage.Started, new RunStarted(Run, settings, SeedData.For(settings).Sets), cancellationToken);
        object? last = null;
        foreach (var name in (string[])[ModelNames.Base, ModelNames.Baseline, ModelNames.OfIteration(1)])
            last = await runs.AppendModelAsync(new ModelPublished(Run, new ModelRef(name, "none", "none"), null, null, 0), cancellationToken);
        return last!;
    }

    private static async Task<(DatasetFrozen Frozen, long Peak)> AwaitFrozenAsync(IHost host, FactLog log, BusTraffic traffic, CancellationToken cancellationToken)
    {
        var failure = host.Services.GetRequiredService<HostFailure>();
        using var self = Process.GetCurrentProcess();
        for (var peak = 0L; ;)
        {
            if (await log.FindAsync(StreamNames.Training(Run, ModelNames.OfIteration(2)), 1, cancellationToken) is DatasetFrozen frozen)
                return (frozen, peak);
            if ((failure.First ?? traffic.Failure) is { } e)
                throw new InvalidOperationException($"The prompts did not get through: {e.Message}", e);
            self.Refresh();
            peak = Math.Max(peak, self.WorkingSet64);
            await Task.Delay(_look, cancellationToken);
        }
    }

    private static async Task<(double Slowing, TimeSpan Freezing)> PaceAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            with settled as (
                select timestamp, ntile(10) over (order by timestamp) as tenth from mt_events where type in ('preference_pair_built', 'prompt_discarded')),
            tenths as (
                select tenth, count(*) / greatest(extract(epoch from max(timestamp) - min(timestamp)), 0.000001) as rate, max(timestamp) as last from settled group by tenth)
            select (a.rate / b.rate)::float8, (select timestamp from mt_events where type = 'dataset_frozen') - a.last from tenths a, tenths b where a.tenth = 10 and b.tenth = 2
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetDouble(0), reader.GetTimeSpan(1));
    }

    private static async Task<TimeSpan> RecoverAsync(RunLog runs, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var outstanding = new Outstanding();
        await foreach (var recorded in runs.ReadAllAsync(0, null, cancellationToken))
            outstanding.Apply(recorded);
        return Stopwatch.GetElapsedTime(started);
    }

    private static async Task<TimeSpan> ReadAsync(RunLog runs, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        await foreach (var _ in runs.ReadIterationAsync(Run, 1, cancellationToken))
        {
        }

        return Stopwatch.GetElapsedTime(started);
    }
}
