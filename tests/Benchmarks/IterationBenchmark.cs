using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Plan;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// A whole iteration of the paper's preset at reduced counts, with a model of SmolLM2-135M's shape and random weights, as <c>selfreward run</c> does it: all workers in one process,
/// PostgreSQL beside it. What each stage took, and whether memory stayed below the limit and below what <c>selfreward plan</c> says.
/// </summary>
public static class IterationBenchmark
{
    private const string Run = "iteration";
    private const double MostGibibytes = 12;

    private static readonly TimeSpan _look = TimeSpan.FromSeconds(1);

    /// <summary>Measures, in a temporary folder that it removes.</summary>
    /// <exception cref="BenchmarkFailedException">It took more memory than it may, or there was no M2.</exception>
    public static Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        return TemporaryFolder.UseAsync("iteration-benchmark", async folder =>
        {
            var settings = Reduced(await SmolFolder.MakeAsync(folder, cancellationToken));
            var (config, chat) = CheckpointFolder.LoadTokenizer(settings.Model.Path!);
            var seed = SeedData.For(settings);
            var plan = Fitting.Need(PlannedRun.Of(settings, seed, config, chat), new WorkerOptions { Data = "", Postgres = "" }.Slots, isOneProcess: true);
            var (stages, postgres) = await CarryAsync(settings, seed, chat, Path.Combine(folder, "data"), cancellationToken);
            await ReportAsync(output, stages, postgres, plan);
            return folder;
        });
    }

    /// <summary>The preset's method and every one of its rates; fewer prompts, steps and tokens, smaller batches.</summary>
    private static RunSettings Reduced(RunSettings paper) => paper with
    {
        Sft = paper.Sft with { Steps = 3, BaselineSteps = 2, Batch = 4, CheckpointEvery = 2 },
        Prompts = paper.Prompts with { PerIteration = 8, Sampling = paper.Prompts.Sampling with { MaxNewTokens = 32 } },
        Candidates = paper.Candidates with { Sampling = paper.Candidates.Sampling with { MaxNewTokens = 64 } },
        Judge = paper.Judge with { Count = 2, Sampling = paper.Judge.Sampling with { MaxNewTokens = 48 } },
        Dpo = paper.Dpo with { Batch = 4, CheckpointEvery = 1 },
        Train = new() { MicroBatch = 2 },
        Evaluation = paper.Evaluation with { Prompts = 4, Ranked = 4, Judgements = 1, Sampling = paper.Evaluation.Sampling with { MaxNewTokens = 64 } },
    };

    private static async Task<(IterationStages Stages, long PostgresBytes)> CarryAsync(
        RunSettings settings, SeedData seed, ChatTemplate chat, string folder, CancellationToken cancellationToken)
    {
        using var data = DataFolder.Open(folder);
        RandomModelGenerator? generator = null;
        await using var host = await RunHost.OpenAsync(
            data, Run,
            services => services.AddSingleton<ITextGenerator>(provider => generator = new RandomModelGenerator(
                new LocalTextGenerator(provider.GetRequiredService<ModelPool>(), provider.GetRequiredService<WorkerOptions>()), chat, settings)),
            cancellationToken);
        await host.Log.AppendOnceAsync(StreamNames.Run(Run), RunStage.Started, new RunStarted(Run, settings, seed.Sets), cancellationToken);
        var stages = new IterationStages(() => (generator?.Read ?? 0, generator?.Written ?? 0));
        var postgres = ProcessTree.Find(data.Postgres);
        var run = WholeRun.CarryAsync(host, Run, recorded => stages.Apply(recorded.Fact, recorded.At), cancellationToken);
        var peak = 0L;
        using var timer = new PeriodicTimer(_look);
        while (!run.IsCompleted && await timer.WaitForNextTickAsync(cancellationToken))
            peak = Math.Max(peak, ProcessTree.Of([postgres]).ResidentBytes);
        await run;
        return (stages, peak);
    }

    private static async Task ReportAsync(TextWriter output, IterationStages run, long postgres, MemoryNeed plan)
    {
        await output.WriteLineAsync("One iteration of the paper's preset at reduced counts, a model of SmolLM2-135M's shape with random weights; models are measured beside the stages that follow them:\n");
        await output.WriteLineAsync("| stage | s | tokens read | written | trained | peak, GiB |\n|---|--:|--:|--:|--:|--:|");
        foreach (var stage in run.Stages)
        {
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"| {stage.Name} | {stage.Time.TotalSeconds:F1} | {stage.Read:N0} | {stage.Written:N0} | {stage.Trained:N0} | {Gibibytes(stage.PeakBytes):F1} |"));
        }

        var most = run.Stages.Count == 0 ? 0 : run.Stages.Max(stage => stage.PeakBytes);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"\n{run.JudgingExamples} judging examples, {run.Prompts} prompts, {run.Answers} answers, {run.Judgements} judgements, {run.Pairs} pairs, {run.Steps} training steps in {run.Stages.Sum(stage => stage.Time.TotalSeconds):F0} s."));
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"The process took {Gibibytes(most):F1} GiB at its peak (at most {MostGibibytes:F0}); `plan` says {Gibibytes(plan.Most):F1}: {Gibibytes(plan.Generating):F1} to generate, {Gibibytes(plan.Training):F1} to train, {Gibibytes(MemoryNeed.Runtime):F1} of each the same. PostgreSQL took {Gibibytes(postgres):F2} beside it, shared pages counted in each of its processes."));
        if (!run.IsPublished)
            throw new BenchmarkFailedException($"The run ended without {ModelNames.OfIteration(2)} ({run.Stopped ?? "no reason is in the log"}), expected one iteration.");
        if (Gibibytes(most) > MostGibibytes)
            throw new BenchmarkFailedException(string.Create(CultureInfo.InvariantCulture, $"The run took {Gibibytes(most):F1} GiB at its peak, expected at most {MostGibibytes:F0}."));
    }

    private static double Gibibytes(long bytes) => bytes / (double)(1L << 30);
}
