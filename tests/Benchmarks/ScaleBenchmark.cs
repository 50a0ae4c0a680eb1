using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SelfRewarding.Hosting;
using SelfRewarding.Judge;
using SelfRewarding.Sampler;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// Throughput of the sampler and of the judge with 1 to 64 workers on one machine, over a real RabbitMQ and PostgreSQL. Only generation is not real: each text takes the
/// time that a large model would have written it in (<see cref="EngineStep"/>), so that one machine can feed the engines of 64. Twice the workers should do twice the work.
/// </summary>
public static class ScaleBenchmark
{
    // Prompts for each worker: an engine of 64 slots answers 16 at once, so these fill it six times over.
    private const int PromptsEach = 96;

    /// <summary>Measures, in a temporary folder that it removes.</summary>
    /// <param name="args"><c>--workers=1,2,4</c> and <c>--prompts-each=96</c> take others than the usual.</param>
    public static async Task RunAsync(TextWriter output, string[] args, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        var counts = BenchmarkOption.Numbers(args, "workers", 1, 2, 4, 8, 16, 32, 64);
        var each = BenchmarkOption.Numbers(args, "prompts-each", PromptsEach)[0];
        await BenchmarkServers.UseAsync("scale", async servers =>
        {
            var options = new WorkerOptions
            {
                Data = servers.Folder, Postgres = await servers.CreateLogAsync("scale", cancellationToken), RabbitMq = servers.RabbitMq,
            };
            var recorded = await EngineStep.RecordAsync(options, cancellationToken);
            var texts = RecordedTexts.Paper();
            await output.WriteLineAsync(
                $"A token of Kata's model took {recorded.TotalMilliseconds:F2} ms here with {options.Slots} slots full; the engines below take {EngineStep.OfLargeModel.TotalMilliseconds:F0} ms " +
                $"({EngineStep.OfLargeModel / recorded:F1} times as long), {texts.MeanAnswerTokens:F0} tokens an answer, {texts.MeanJudgementTokens:F0} a judgement.");
            await MeasureAsync(output, servers, options, counts, each, cancellationToken);
        }, cancellationToken);
    }

    private static async Task MeasureAsync(
        TextWriter output, BenchmarkServers servers, WorkerOptions options, IReadOnlyList<int> counts, int each, CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddWorkers(options, []);
        using var host = builder.Build();
        await host.StartAsync(cancellationToken);
        var stage = new StageRun(servers, options, host, EngineStep.OfLargeModel);
        await output.WriteLineAsync(
            "\n| stage | workers | prompts | prompts/s | of linear | slots' time used | CPU ms a prompt: workers | PostgreSQL | RabbitMQ | cores | connections | memory of a worker, MiB |" +
            "\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        var one = new Dictionary<string, double>();
        foreach (var workers in counts)
        {
            var (run, prompts) = ($"scale-{workers}", workers * each);
            await stage.StartRunAsync(run, prompts, cancellationToken);
            foreach (var kind in (WorkerModule[])[SamplerModule.Module, JudgeModule.Module])
            {
                var figures = await stage.MeasureAsync(kind, workers, run, prompts, cancellationToken);
                one.TryAdd(kind.Name, figures.Rate / workers);
                await output.WriteLineAsync(
                    $"| {kind.Name} | {workers} | {prompts} | {figures.Rate:F2} | {figures.Rate / (workers * one[kind.Name]):F3} | {figures.SlotShare:P1} | {figures.WorkerCpu.TotalMilliseconds:F2} " +
                    $"| {figures.PostgresCpu.TotalMilliseconds:F2} | {figures.RabbitMqCpu.TotalMilliseconds:F2} | {figures.Cores:F2} | {figures.Connections} | {figures.Memory.ResidentBytes / 1048576.0 / workers:F0} |");
            }
        }

        await host.StopAsync(cancellationToken);
    }
}
