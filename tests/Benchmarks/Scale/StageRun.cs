using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>What one stage did with some workers.</summary>
/// <param name="Rate">Prompts a second, in the middle half of them: before, engines fill; after, they run dry.</param>
/// <param name="SlotShare">Share of the slots' time, in that half, that texts were written in: what the bus, the store and waiting leave of a GPU.</param>
/// <param name="WorkerCpu">Of all worker processes, for a prompt of that half: by then the code is compiled.</param>
/// <param name="Cores">Processors that workers, PostgreSQL and RabbitMQ kept busy together.</param>
internal sealed record StageFigures(
    int Workers, int Prompts, double Rate, double SlotShare, TimeSpan WorkerCpu, TimeSpan PostgresCpu, TimeSpan RabbitMqCpu, double Cores, int Connections, ProcessTree Memory);

/// <summary>Sends prompts through one stage and watches the log.</summary>
internal sealed class StageRun(BenchmarkServers servers, WorkerOptions options, IHost host, TimeSpan step)
{
    private const int AppendsAtOnce = 16;

    private readonly FactLog _log = host.Services.GetRequiredService<FactLog>();
    private readonly RunLog _runs = host.Services.GetRequiredService<RunLog>();

    /// <summary>A run with this many prompts that nobody has answered.</summary>
    public async Task StartRunAsync(string run, int prompts, CancellationToken cancellationToken)
    {
        var settings = Presets.Kata with { Prompts = Presets.Kata.Prompts with { PerIteration = prompts } };
        var model = new ModelRef(ModelNames.OfIteration(1), "none", "none");
        await _log.AppendOnceAsync(StreamNames.Run(run), RunStage.Started, new RunStarted(run, settings, []), cancellationToken);
        await Parallel.ForAsync(0, prompts, new ParallelOptions { MaxDegreeOfParallelism = AppendsAtOnce, CancellationToken = cancellationToken }, async (ordinal, token) =>
        {
            var text = RecordedTexts.Draft(DrawKey.For(settings.Seed, DrawPurpose.Draft, 1, ordinal)).Text;
            await _runs.AppendStageAsync(run, 1, ordinal, PromptStage.Generated, new PromptGenerated(run, 1, ordinal, model, text, "recorded", [], []), token);
        });
    }

    /// <summary>Starts the workers, puts the stage's work onto the bus, and waits until the last prompt has passed.</summary>
    public async Task<StageFigures> MeasureAsync(WorkerModule kind, int workers, string run, int prompts, CancellationToken cancellationToken)
    {
        await using var processes = await ScaleWorkers.StartAsync(kind, workers, step, options, cancellationToken);
        var position = 0L;
        await foreach (var recorded in _log.ReadAllAsync(0, run, cancellationToken))
            position = recorded.Position;
        var following = FollowAsync(processes, run, position, prompts, cancellationToken);
        await host.Services.GetRequiredService<Recovery>().RepublishAsync(run, cancellationToken);

        var (passed, start, end) = await following;
        var (middle, counted) = (passed[(prompts / 4)..(prompts * 3 / 4)], prompts / 2.0);
        var seconds = (middle[^1].At - middle[0].At).TotalSeconds;
        return new StageFigures(
            workers, prompts, (middle.Count - 1) / seconds, middle.Skip(1).Sum(prompt => prompt.Tokens) * step.TotalSeconds / (seconds * workers * options.Slots),
            (end.Workers - start.Workers) / counted, (end.Postgres - start.Postgres) / counted, (end.RabbitMq - start.RabbitMq) / counted,
            (end.Workers + end.Postgres + end.RabbitMq - start.Workers - start.Postgres - start.RabbitMq) / (end.At - start.At),
            await ConnectionsAsync(cancellationToken), processes.Use);
    }

    private async Task<(List<(DateTimeOffset At, long Tokens)> Passed, CpuSoFar Start, CpuSoFar End)> FollowAsync(
        ScaleWorkers workers, string run, long position, int prompts, CancellationToken cancellationToken)
    {
        var passed = new List<(DateTimeOffset At, long Tokens)>(prompts);
        var (start, end) = (Cpu(), Cpu());
        await foreach (var recorded in _log.FollowAsync(position, run, cancellationToken))
        {
            // With the stop token of each.
            if (recorded.Fact is CandidatesSampled sampled)
                passed.Add((recorded.At, sampled.Candidates.Sum(candidate => candidate.Tokens.Count + 1L)));
            else if (recorded.Fact is CandidatesJudged judged)
                passed.Add((recorded.At, judged.Judgements.Sum(judgement => judgement.TokenCount + 1L)));
            else
                continue;
            if (passed.Count == prompts / 4)
                start = Cpu();
            else if (passed.Count == prompts * 3 / 4)
                end = Cpu();
            if (passed.Count == prompts)
                break;
        }

        return (passed, start, end);

        CpuSoFar Cpu() => new(DateTimeOffset.UtcNow, workers.Use.Cpu, servers.PostgresUse.Cpu, servers.RabbitMqUse.Cpu);
    }

    private sealed record CpuSoFar(DateTimeOffset At, TimeSpan Workers, TimeSpan Postgres, TimeSpan RabbitMq);

    private async Task<int> ConnectionsAsync(CancellationToken cancellationToken)
    {
        await using var command = host.Services.GetRequiredService<Npgsql.NpgsqlDataSource>()
            .CreateCommand("select count(*)::int from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
