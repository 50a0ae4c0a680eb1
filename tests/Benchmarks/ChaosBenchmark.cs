using SelfRewarding.Control.Up;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// The long form of the chaos test: a run in one process that nobody disturbs, then the same run over RabbitMQ with two samplers and two judges under
/// <see cref="ChaosRun"/>. Everything that the two recorded is compared, and <c>selfreward verify</c> checks the disturbed one.
/// </summary>
public static class ChaosBenchmark
{
    private const string Run = "chaos";
    private const int Iterations = 2;
    private const int ShownDifferences = 20;

    /// <summary>Runs both in a temporary folder that it removes.</summary>
    /// <param name="args"><c>--kills=100</c>, <c>--seed=1</c>, and the run's size: <c>--steps=200</c> of supervised training, <c>--prompts=256</c> an iteration.</param>
    /// <exception cref="BenchmarkFailedException">There is a difference.</exception>
    public static async Task RunAsync(TextWriter output, string[] args, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        var (kills, seed) = (BenchmarkOption.Numbers(args, "kills", 100)[0], BenchmarkOption.Numbers(args, "seed", 1)[0]);
        var (steps, prompts) = (BenchmarkOption.Numbers(args, "steps", 200)[0], BenchmarkOption.Numbers(args, "prompts", 256)[0]);
        if (kills < KillPlan.Fewest)
            throw new Control.UserException($"'--kills={kills}' is too few, expected {KillPlan.Fewest} or more: one of each kind.");
        await TemporaryFolder.UseAsync(Run, async folder =>
        {
            var (calm, wild) = (Path.Combine(folder, "quiet"), Path.Combine(folder, "chaos"));
            await output.WriteLineAsync($"A quiet run of Kata in one process, seed {seed}: {steps} steps, {Iterations} x {prompts} prompts ...");
            await CommandAsync(folder, "quiet", Arguments(calm, seed, steps, prompts), cancellationToken);
            var quiet = await RunContents.ReadAsync(calm, Run, cancellationToken);
            await output.WriteLineAsync($"{quiet.Facts.Count} facts. The same with two samplers, two judges and two trainers over RabbitMQ, and {kills} kills ...");
            var plan = new ChaosPlan(Run, Arguments(wild, seed, steps, prompts), ["--slots", "16", "--sampler", "2", "--judge", "2", "--dpo-trainer", "2"], quiet.Beside, kills, seed);
            var figures = await new ChaosRun(wild, plan, output.WriteLine).RunAsync(cancellationToken);
            var chaos = await RunContents.ReadAsync(wild, Run, cancellationToken);
            await CommandAsync(folder, "verify", ["verify", Run, "--data", wild], cancellationToken);
            await ReportAsync(output, quiet, chaos, figures, prompts);
            return folder;
        });
    }

    // Checkpoints in short distances: a trainer that is killed repeats what came after the last one.
    private static string[] Arguments(string data, int seed, int steps, int prompts) =>
    [
        "run", "--data", data, "--run", Run, "--plain", "--seed", $"{seed}", "--iterations", $"{Iterations}", "--prompts", $"{prompts}",
        .. ((string[])[$"sft.steps={steps}", $"sft.baseline_steps={Math.Max(1, steps / 6)}", "sft.checkpoint_every=10", "dpo.checkpoint_every=5", "evaluation.prompts=100", "evaluation.ranked=40"])
            .SelectMany(setting => (string[])["--set", setting]),
    ];

    private static async Task CommandAsync(string folder, string name, string[] arguments, CancellationToken cancellationToken)
    {
        var log = Path.Combine(folder, $"{name}.log");
        await using var command = await TetheredProcess.StartAsync(new ProcessPlan([.. Programs.CommandOf(typeof(UpState).Assembly), .. arguments], log), cancellationToken);
        var code = await command.Ended.WaitAsync(cancellationToken);
        if (code != 0)
            throw new BenchmarkFailedException($"'selfreward {arguments[0]}' ended with exit code {code}:{Environment.NewLine}{await File.ReadAllTextAsync(log, cancellationToken)}");
    }

    private static async Task ReportAsync(TextWriter output, RunContents quiet, RunContents chaos, ChaosFigures figures, int prompts)
    {
        await output.WriteLineAsync("\n| kills | |\n|---|--:|");
        foreach (var kind in Enum.GetValues<KillKind>())
            await output.WriteLineAsync($"| {InWords(kind)} | {figures.Kills.GetValueOrDefault(kind)} |");
        await output.WriteLineAsync($"| together, while the run was unfinished | {figures.Kills.Values.Sum()} |");
        await output.WriteLineAsync(
            $"\n{figures.Restarts} restarts in {figures.Elapsed.TotalMinutes:F1} minutes; {figures.Copied} messages published twice, {figures.Reordered} put back in another order, {figures.Failed} given up by workers.\n");
        await output.WriteLineAsync("| | quiet | chaos |\n|---|---|---|");
        await output.WriteLineAsync($"| facts in the log | {quiet.Facts.Count} | {chaos.Facts.Count} |\n| prompts settled | {quiet.Settled.Count} | {chaos.Settled.Count} |");
        foreach (var name in quiet.Hashes.Keys.Union(chaos.Hashes.Keys))
            await output.WriteLineAsync($"| {name} | {Short(quiet, name)} | {Short(chaos, name)} |");
        IReadOnlyList<string> differences = [.. chaos.DifferencesFrom(quiet), .. chaos.Miscounted(Iterations, prompts)];
        await output.WriteLineAsync($"\nDifferences: {differences.Count}. 'selfreward verify' found none.");
        if (differences.Count > 0)
            throw new BenchmarkFailedException(string.Join(Environment.NewLine, differences.Take(ShownDifferences)));
        if (figures.Late > 0)
            throw new BenchmarkFailedException($"{figures.Late} kills came behind the run's end: give it more prompts or steps.");
    }

    private static string InWords(KillKind kind) => kind switch
    {
        KillKind.Worker => "a worker, `kill -9`",
        KillKind.Broker => "RabbitMQ, `kill -9`",
        KillKind.BrokerWithDisk => "RabbitMQ, `kill -9`, and its disk emptied",
        KillKind.Backend => "a PostgreSQL backend, `kill -9`: crash recovery",
        _ => "a PostgreSQL connection, `pg_terminate_backend`",
    };

    private static string Short(RunContents contents, string name) => contents.Hashes.TryGetValue(name, out var hash) ? hash[..16] : "–";
}
