using System.Diagnostics;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// What bus, event store and hosting cost: a whole small Kata run as <c>selfreward run</c> does it, beside <see cref="BareRun"/>, which
/// computes the same without them. The two take turns and change who goes first; every round has a seed of its own. Both must have made the
/// same models, pairs and figures, to the bit, or the comparison is void. The run's clock goes from the workers' start to the last model's
/// figures; starting PostgreSQL and building the host, which a run of any length does once, is told apart.
/// </summary>
public static class OverheadBenchmark
{
    private const string Run = "overhead";
    private const int Rounds = 4;

    /// <summary>Measures, in temporary folders that it removes.</summary>
    /// <exception cref="InvalidOperationException">A run failed, stopped, or is not what the bare computation made.</exception>
    public static async Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        // Once each without a clock: code is compiled at its first uses. So short a training makes no judge, and so no pair; nothing is compared.
        await InFolderAsync(async folder =>
        {
            var prompts = Path.Combine(folder, "prompts.jsonl");
            await File.WriteAllLinesAsync(prompts, Enumerable.Range(0, 64).Select(n => $$"""{"prompt":"copy: {{(char)('a' + (n % 10))}}{{(char)('a' + (n / 10))}}abc"}"""), cancellationToken);
            var tiny = Settings(0) with { Prompts = Presets.Kata.Prompts with { PerIteration = 64, Source = prompts } };
            return await PipelineAsync(tiny with { Sft = tiny.Sft with { Steps = 3, BaselineSteps = 2, CheckpointEvery = 2 } }, Path.Combine(folder, "data"), cancellationToken);
        });
        await InFolderAsync(folder =>
        {
            var tiny = Settings(0) with { Prompts = Presets.Kata.Prompts with { PerIteration = 8 } };
            return BareRun.RunAsync(tiny with { Sft = tiny.Sft with { Steps = 3, BaselineSteps = 2, CheckpointEvery = 2 } }, folder, cancellationToken);
        });

        await output.WriteLineAsync(
            "| round | first | run, s | bare, s | ratio | run, CPU s | bare, CPU s | PostgreSQL and host start, s |\n|--:|---|--:|--:|--:|--:|--:|--:|");
        var rounds = new List<(WorkDone Whole, WorkDone Bare)>();
        for (var round = 1; round <= Rounds; round++)
        {
            var settings = Settings((ulong)round);
            var bareFirst = round % 2 == 0;
            var early = bareFirst ? await BareAsync(settings) : null;
            var (whole, start) = await InFolderAsync(folder => PipelineAsync(settings, folder, cancellationToken));
            var bare = early ?? await BareAsync(settings);
            CheckSame(whole, bare);
            rounds.Add((whole, bare));
            await output.WriteLineAsync(
                $"| {round} | {(bareFirst ? "bare" : "run")} | {whole.Wall.TotalSeconds:F2} | {bare.Wall.TotalSeconds:F2} | {whole.Wall / bare.Wall:F3} " +
                $"| {whole.Cpu.TotalSeconds:F2} | {bare.Cpu.TotalSeconds:F2} | {start.TotalSeconds:F2} |");
        }

        await ReportAsync(output, rounds);

        Task<WorkDone> BareAsync(RunSettings settings) => InFolderAsync(folder => BareRun.RunAsync(settings, folder, cancellationToken));
    }

    /// <summary>Kata in small: enough training that drafts pass the filters and judgements parse, so that every stage has work.</summary>
    private static RunSettings Settings(ulong seed) => Presets.Kata with
    {
        Seed = seed,
        Iterations = 1,
        Pairs = new() { MinMargin = 0 },
        Sft = Presets.Kata.Sft with { Steps = 160, BaselineSteps = 15, WarmupSteps = 10, CheckpointEvery = 20 },
        Prompts = Presets.Kata.Prompts with { PerIteration = 192 },
        Evaluation = Presets.Kata.Evaluation with { Prompts = 100, Ranked = 40 },
    };

    private static async Task<(WorkDone Work, TimeSpan Start)> PipelineAsync(RunSettings settings, string folder, CancellationToken cancellationToken)
    {
        var seeds = SeedData.For(settings).Sets;
        var opening = Stopwatch.GetTimestamp();
        using var data = DataFolder.Open(folder);
        await using var host = await RunHost.OpenAsync(data, Run, cancellationToken);
        var start = Stopwatch.GetElapsedTime(opening);
        await host.Log.AppendOnceAsync(StreamNames.Run(Run), RunStage.Started, new RunStarted(Run, settings, seeds), cancellationToken);

        var work = new WorkDone();
        await WholeRun.CarryAsync(host, Run, recorded => work.Apply(recorded.Fact, recorded.At), cancellationToken);
        work.End();
        return (work, start);
    }

    private static void CheckSame(WorkDone whole, WorkDone bare)
    {
        if (whole.Stopped is { } reason)
            throw new InvalidOperationException($"The run stopped ({reason}): there is no whole run to compare, give the benchmark's settings more SFT steps.");
        if (whole.Results.Except(bare.Results).FirstOrDefault() is { } different)
        {
            throw new InvalidOperationException(
                $"The run made '{different}', the bare computation no such thing ({string.Join("; ", bare.Results)}): the comparison is void.");
        }
    }

    private static async Task ReportAsync(TextWriter output, List<(WorkDone Whole, WorkDone Bare)> rounds)
    {
        await output.WriteLineAsync("\n| stage, median seconds | run | bare | difference |\n|---|--:|--:|--:|");
        var stages = rounds[0].Bare.Stages.Select(stage => stage.Stage).ToList();
        for (var i = 0; i < stages.Count; i++)
        {
            var whole = Median(rounds.Select(round => round.Whole.Stages[i].Seconds));
            var bare = Median(rounds.Select(round => round.Bare.Stages[i].Seconds));
            await output.WriteLineAsync($"| {stages[i]} | {whole:F2} | {bare:F2} | {whole - bare:+0.00;-0.00} |");
        }

        foreach (var (whole, _) in rounds)
        {
            await output.WriteLineAsync(
                $"\nDone, and recorded in {whole.Facts:N0} facts: {whole.Steps} training steps, {whole.TrainedTokens:N0} tokens; {whole.Drafts} drafts, " +
                $"{whole.Prompts} prompts, {whole.Answers} answers and {whole.Judgements} judgements of {whole.GeneratedTokens:N0} tokens; {whole.Pairs} pairs. " +
                $"Models, pairs and figures ({whole.Results.Count}) are the same to the bit.");
        }

        // Whoever goes first in a round may be slower for it. Each goes first as often as the other, so that falls out of the mean of the ratios.
        var wall = Mean(rounds.Select(round => round.Whole.Wall / round.Bare.Wall));
        var cpu = Mean(rounds.Select(round => round.Whole.Cpu / round.Bare.Cpu));
        await output.WriteLineAsync(
            $"\nBus, store and hosting: {wall - 1:+0.0 %;-0.0 %} of the bare computation's wall time, {cpu - 1:+0.0 %;-0.0 %} of its CPU time (geometric means of {Rounds} rounds).");
    }

    private static Task<T> InFolderAsync<T>(Func<string, Task<T>> measure) => TemporaryFolder.UseAsync("overhead-benchmark", measure);

    private static double Mean(IEnumerable<double> ratios) => Math.Exp(ratios.Average(Math.Log));

    private static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return (ordered[(Rounds - 1) / 2] + ordered[Rounds / 2]) / 2;
    }
}
