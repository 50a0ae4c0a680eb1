using SelfRewarding.Contracts;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Plan;

/// <summary>Whether a run fits into a machine's memory, and if it does not, which settings would make it.</summary>
public static class Fitting
{
    // From what costs nothing but a little time to what trains otherwise.
    private static readonly IReadOnlyList<(string Change, Func<RunSettings, RunSettings> Apply)> Changes =
    [
        ("train.micro_batch=1", settings => settings with { Train = settings.Train with { MicroBatch = 1 } }),
        ("train.micro_batch=1 and train.checkpoint_activations=true", settings => settings with { Train = new() { MicroBatch = 1, CheckpointActivations = true } }),
        ("lora.r=16, train.micro_batch=1 and train.checkpoint_activations=true",
            settings => settings with { Lora = settings.Lora with { R = 16 }, Train = new() { MicroBatch = 1, CheckpointActivations = true } }),
    ];

    /// <summary>The sentence that refuses; null where it fits.</summary>
    /// <param name="run">The run.</param>
    /// <param name="memory">Bytes that there are.</param>
    /// <param name="slots">Sequences that are generated at once.</param>
    /// <param name="isOneProcess">Whether all workers are in one process.</param>
    public static string? Problem(PlannedRun run, long memory, int slots, bool isOneProcess)
    {
        var need = Need(run, slots, isOneProcess);
        if (need.Most <= memory)
            return null;
        var asked = $"This needs {Figures.Gibibytes(need.Most)} of memory{(isOneProcess ? " in one process" : " for its largest worker")}, and there are {Figures.Gibibytes(memory)}";
        foreach (var (change, apply) in Changes)
        {
            var changed = Need(run with { Settings = apply(run.Settings) }, slots, isOneProcess);
            if (changed.Most <= memory)
                return $"{asked}: --set {change.Replace(", ", " --set ", StringComparison.Ordinal).Replace(" and ", " --set ", StringComparison.Ordinal)} would do with {Figures.Gibibytes(changed.Most)}.";
        }

        var least = Need(run with { Settings = Changes[^1].Apply(run.Settings) }, slots, isOneProcess);
        var apart = Need(run with { Settings = Changes[^1].Apply(run.Settings) }, slots, isOneProcess: false);
        return isOneProcess && apart.Most <= memory
            ? $"{asked}: workers as processes on machines of their own would do ({Changes[^1].Change}: {Figures.Gibibytes(apart.Generating)} to generate, {Figures.Gibibytes(apart.Training)} to train)."
            : $"{asked}: even with {Changes[^1].Change} it needs {Figures.Gibibytes(least.Most)}; take a smaller model or a larger machine.";
    }

    /// <summary>What a run takes of memory.</summary>
    public static MemoryNeed Need(PlannedRun run, int slots, bool isOneProcess) => MemoryNeed.Of(run.Config, run.Settings, run.LargestPart, slots, isOneProcess);
}
