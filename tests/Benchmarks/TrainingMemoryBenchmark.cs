using System.Diagnostics;
using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Plan;
using SelfRewarding.Control.Settings;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// The most memory that steps of preference training take with a model of SmolLM2-135M's shape, beside what <c>selfreward plan</c> says of the same: weights in float32 and bfloat16, adapters, batches that are
/// divided, activations that are computed again. Each way of training is measured in a process of its own, so that none has what another left.
/// </summary>
public static class TrainingMemoryBenchmark
{
    /// <summary>The benchmark program's first argument where it is one of these processes; then the way's place.</summary>
    public const string Argument = "training-memory-of";

    private const int Pairs = 4, Prompt = 256, Response = 256, Steps = 2;
    private const double Gibibyte = 1L << 30;

    private static readonly (string Name, Func<RunSettings, RunSettings> Change)[] _ways =
    [
        ("all weights, float32", settings => settings),
        ("all weights, float32, activations computed again", settings => settings with { Train = new() { CheckpointActivations = true } }),
        ("all weights, float32, activations computed again, one pair at a time", settings => settings with { Train = new() { CheckpointActivations = true, MicroBatch = 1 } }),
        ("all weights, bfloat16", settings => Narrow(settings)),
        ("all weights, bfloat16, activations computed again", settings => Narrow(settings) with { Train = new() { CheckpointActivations = true } }),
        ("adapters of r = 16, float32", settings => Adapted(settings)),
        ("adapters of r = 16, float32, activations computed again", settings => Adapted(settings) with { Train = new() { CheckpointActivations = true } }),
        ("adapters of r = 16, bfloat16", settings => Narrow(Adapted(settings))),
        ("adapters of r = 16, bfloat16, activations computed again, one pair at a time", settings => Narrow(Adapted(settings)) with { Train = new() { CheckpointActivations = true, MicroBatch = 1 } }),
    ];

    /// <summary>Measures each way, and prints a table.</summary>
    /// <exception cref="BenchmarkFailedException">One takes more than the plan says: a run could end for want of memory that was told it fits.</exception>
    public static async Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        await output.WriteLineAsync($"DPO of {Pairs} pairs of {Prompt} + {Response} tokens a side, a model of SmolLM2-135M's shape:\n");
        await output.WriteLineAsync("| what is trained | plan, GiB | measured, GiB | measured : plan |\n|---|--:|--:|--:|");
        var over = new List<string>();
        foreach (var (place, (name, _)) in _ways.Index())
        {
            var (planned, measured) = (Planned(place), await MeasureAsync(place, cancellationToken));
            if (measured > planned) over.Add(name);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"| {name} | {planned / Gibibyte:F2} | {measured / Gibibyte:F2} | {(double)measured / planned:F2} |"));
        }

        if (over.Count > 0)
            throw new BenchmarkFailedException($"Training takes more memory than plan says, expected at most as much: {string.Join("; ", over)}.{(Kernels.SparesMemory ? "" : " tcmalloc (Debian's libtcmalloc-minimal4) is not used here.")}");
    }

    /// <summary>Is such a process: trains, and writes the bytes that it took at its peak.</summary>
    public static async Task<int> MeasureHereAsync(string place)
    {
        var settings = Settings(int.Parse(place, CultureInfo.InvariantCulture));
        var (compute, lora) = (ComputeType.Named(settings.Model.ComputeDtype), settings.Lora.Figures());
        using var adapter = lora is null ? null : LoraAdapter.Create(SmolModel.Config, lora, seed: 2);
        using var fixedWeights = adapter is null ? null : SmolModel.Make(seed: 1, compute); // beside an adapter they are as they are computed with
        using var masters = adapter is null ? Llama.Create(SmolModel.Config, seed: 1, compute) : null;
        var model = fixedWeights?.Model ?? masters!;
        model.Adapter = adapter;
        GC.Collect();
        Kernels.GiveBackMemory();
        ProcessPeak.Take(); // making random weights takes what loading a file does not
        using (var training = new SmolTraining(model, Pairs, Prompt, Response, settings.Train))
        {
            for (var step = 0; step < Steps; step++) training.Step();
        }

        await Console.Out.WriteLineAsync(ProcessPeak.Take().ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    private static RunSettings Settings(int place)
    {
        var paper = Presets.Paper;
        return _ways[place].Change(paper with { Dpo = paper.Dpo with { EarlyStopping = new() { Every = 0 } } }); // no other model beside the policy
    }

    private static RunSettings Narrow(RunSettings settings) => settings with { Model = settings.Model with { ComputeDtype = "bfloat16" } };

    private static RunSettings Adapted(RunSettings settings) => settings with { Lora = settings.Lora with { R = 16 } };

    private static long Planned(int place)
    {
        var settings = Settings(place);
        var pairs = settings.Train.MicroBatch > 0 ? settings.Train.MicroBatch : Pairs;
        return MemoryNeed.Of(SmolModel.Config, settings, rows: pairs * 2 * (Prompt + Response), slots: 1, isOneProcess: false).Training;
    }

    private static async Task<long> MeasureAsync(int place, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(TrainingMemoryBenchmark).Assembly.Location, Argument, place.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        try
        {
            var said = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? long.Parse(said, CultureInfo.InvariantCulture) : throw new BenchmarkFailedException($"Training \"{_ways[place].Name}\" ended with exit code {process.ExitCode}.");
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }
}
