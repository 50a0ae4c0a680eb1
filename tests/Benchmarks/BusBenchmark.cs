using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// What bus and store cost when nothing else costs anything: prompts through all four stages, from the published model to the frozen dataset, with texts that are there at
/// once. Over RabbitMQ and over the in-memory transport, for several numbers of prompts: what grows faster than they do shows.
/// </summary>
public static class BusBenchmark
{
    private const int WarmUp = 200;

    private sealed record Case(int Prompts, bool OverRabbitMq, RecordedTexts Texts);

    /// <summary>Measures, in a temporary folder that it removes.</summary>
    /// <param name="args"><c>--prompts=1000,1000000</c> takes other numbers than the usual, <c>--bus=memory</c> only one of the two.</param>
    public static async Task RunAsync(TextWriter output, string[] args, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        var sizes = BenchmarkOption.Numbers(args, "prompts", 1_000, 10_000);
        var buses = BenchmarkOption.Words(args, "bus", "rabbitmq", "memory").Select(bus => bus == "rabbitmq").ToList();
        var kata = RecordedTexts.Kata();
        // Kata's texts are short; those of a large model are shown once.
        List<Case> cases = [.. sizes.SelectMany(size => buses.Select(overRabbitMq => new Case(size, overRabbitMq, kata))), new(sizes.Min(), buses[0], RecordedTexts.Paper())];
        await BenchmarkServers.UseAsync("bus", async servers =>
        {
            // Once each without a clock: code is compiled at its first uses.
            await MeasureAsync(servers, "warm_rabbit", new(WarmUp, true, kata), cancellationToken);
            await MeasureAsync(servers, "warm_memory", new(WarmUp, false, kata), cancellationToken);
            var figures = new List<(Case Case, BusFigures Figures)>();
            await output.WriteLineAsync(
                "| prompts | bus | texts | pairs | s | prompts/s | last tenth : second | CPU ms a prompt: workers | PostgreSQL | RabbitMQ |\n|--:|---|---|--:|--:|--:|--:|--:|--:|--:|");
            foreach (var (index, item) in cases.Index())
            {
                var f = await MeasureAsync(servers, $"bus_{index}", item, cancellationToken);
                figures.Add((item, f));
                await output.WriteLineAsync(
                    $"{Start(item)} | {f.Pairs} | {f.Elapsed.TotalSeconds:F1} | {f.Prompts / f.Elapsed.TotalSeconds:F0} | {f.Slowing:F2} " +
                    $"| {Each(f.HostCpu, f)} | {Each(f.PostgresCpu, f)} | {(item.OverRabbitMq ? Each(f.RabbitMqCpu, f) : "–")} |");
            }

            await output.WriteLineAsync(
                "\n| prompts | bus | texts | a prompt: published | received | KiB received | events | streams | KiB in tables | KiB written ahead | KiB allocated |\n|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
            foreach (var (item, f) in figures)
            {
                await output.WriteLineAsync(
                    $"{Start(item)} | {Each(f.Traffic.Published, f)} | {Each(f.Traffic.Received, f)} | {Each(f.Traffic.Bytes / 1024.0, f)} | {Each(f.Log.Events, f)} | {Each(f.Log.Streams, f)} " +
                    $"| {Each(f.Log.Bytes / 1024.0, f)} | {Each(f.Log.Written / 1024.0, f)} | {Each(f.Allocated / 1024.0, f)} |");
            }

            await output.WriteLineAsync(
                "\n| prompts | bus | texts | freezing, s | a start's look for what is outstanding, s | reading the dataset's prompts, s | live heap at the end, MiB | most memory, MiB |\n|--:|---|---|--:|--:|--:|--:|--:|");
            foreach (var (item, f) in figures)
            {
                await output.WriteLineAsync(
                    $"{Start(item)} | {f.Freezing.TotalSeconds:F2} | {f.Recovery.TotalSeconds:F2} | {f.Reading.TotalSeconds:F2} | {f.Heap / 1048576.0:F0} | {f.Peak / 1048576.0:F0} |");
            }
        }, cancellationToken);
    }

    private static async Task<BusFigures> MeasureAsync(BenchmarkServers servers, string name, Case item, CancellationToken cancellationToken)
    {
        var options = new WorkerOptions
        {
            Data = servers.Folder, Postgres = await servers.CreateLogAsync(name, cancellationToken), RabbitMq = item.OverRabbitMq ? servers.RabbitMq : null,
        };
        return await new BusRun(servers, options, item.Texts).MeasureAsync(item.Prompts, cancellationToken);
    }

    private static string Start(Case item) => $"| {item.Prompts} | {(item.OverRabbitMq ? "RabbitMQ" : "in memory")} | {item.Texts.Name}";

    private static string Each(TimeSpan time, BusFigures figures) => $"{time.TotalMilliseconds / figures.Prompts:F2}";

    private static string Each(double amount, BusFigures figures) => $"{amount / figures.Prompts:F2}";
}
