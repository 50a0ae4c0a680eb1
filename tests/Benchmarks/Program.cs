using SelfRewarding.Benchmarks;

// Ratios within one run; a time alone says nothing on a shared machine.
var benchmarks = new Dictionary<string, Func<TextWriter, CancellationToken, Task>>
{
    ["store"] = EventStoreBenchmark.RunAsync,
    ["overhead"] = OverheadBenchmark.RunAsync,
    ["bulk"] = BulkBenchmark.RunAsync,
};
var chosen = args.Length == 0 ? benchmarks.Keys.ToArray() : args;
foreach (var name in chosen)
{
    if (!benchmarks.TryGetValue(name, out var run))
    {
        await Console.Error.WriteLineAsync($"There is no benchmark '{name}', expected one of {string.Join(", ", benchmarks.Keys)}.");
        return 2;
    }

    await run(Console.Out, CancellationToken.None);
}

return 0;
