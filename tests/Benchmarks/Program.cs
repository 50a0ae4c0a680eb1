using System.Runtime.InteropServices;
using SelfRewarding.Benchmarks;
using SelfRewarding.Contracts;
using SelfRewarding.Control;

if (args is [ScaleWorkers.Argument, ..])
    return await ScaleWorkers.RunAsync(args);
if (args is [TrainingMemoryBenchmark.Argument, var way])
    return await TrainingMemoryBenchmark.MeasureHereAsync(way);

const string Chaos = "chaos";

// Ratios within one run; a time alone says nothing on a shared machine.
var benchmarks = new Dictionary<string, Func<TextWriter, CancellationToken, Task>>
{
    ["store"] = EventStoreBenchmark.RunAsync,
    ["overhead"] = OverheadBenchmark.RunAsync,
    ["bulk"] = BulkBenchmark.RunAsync,
    ["rebuild"] = RebuildBenchmark.RunAsync,
    ["live"] = (output, stop) => LiveBenchmark.RunAsync(output, TimeSpan.FromMinutes(BenchmarkOption.Numbers(args, "minutes", 1)[0]), stop),
    ["pace"] = WritePaceBenchmark.RunAsync,
    ["tokens"] = TokenizerBenchmark.RunAsync,
    ["filters"] = FilterBenchmark.RunAsync,
    ["smol"] = (output, stop) => SmolBenchmark.RunAsync(output, BenchmarkOption.Word(args, "compute", [.. ComputeDtypes.All]), stop),
    ["memory"] = TrainingMemoryBenchmark.RunAsync,
    ["iteration"] = IterationBenchmark.RunAsync,
    ["scale"] = (output, stop) => ScaleBenchmark.RunAsync(output, args, stop),
    ["bus"] = (output, stop) => BusBenchmark.RunAsync(output, args, stop),
    [Chaos] = (output, stop) => ChaosBenchmark.RunAsync(output, args, stop),
};
var named = args.Where(argument => !BenchmarkOption.Is(argument)).ToArray();
if (args.FirstOrDefault(argument => argument is "--help" or "-h") is not null)
{
    await Console.Out.WriteLineAsync($"./selfreward bench [NAME ...], without a name all of them but {Chaos}: {string.Join(", ", benchmarks.Keys)}");
    return 0;
}

// A host within a benchmark would take a signal for its own, and the benchmark would wait for what that host no longer does.
using var stopped = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

var chosen = named.Length == 0 ? benchmarks.Keys.Where(name => name != Chaos).ToArray() : named; // it measures nothing, and takes long
foreach (var name in chosen)
{
    if (!benchmarks.TryGetValue(name, out var run))
    {
        await Console.Error.WriteLineAsync($"There is no benchmark '{name}', expected one of {string.Join(", ", benchmarks.Keys)}.");
        return 2;
    }

    try
    {
        await run(Console.Out, stopped.Token);
    }
    catch (OperationCanceledException) when (stopped.IsCancellationRequested)
    {
        await Console.Error.WriteLineAsync($"{name}: stopped.");
        return 130;
    }
    catch (UserException e)
    {
        await Console.Error.WriteLineAsync(e.Message);
        return 2;
    }
    catch (BenchmarkFailedException e)
    {
        await Console.Error.WriteLineAsync(e.Message);
        return 1;
    }
}

return 0;

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopped.Cancel();
}
