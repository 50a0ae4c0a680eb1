using System.ComponentModel.DataAnnotations;

namespace SelfRewarding.Contracts;

/// <summary>Low-rank adaptation in place of training every weight, both supervised and on pairs; the names are PEFT's. Each model has an adapter of its own on the model before.</summary>
public sealed record LoraSettings
{
    /// <summary>Rank of the updates; 0 trains all weights.</summary>
    [Range(0, 4096)] public int R { get; init; }

    /// <summary>Updates are scaled by alpha / r.</summary>
    [Range(1e-6, 1e6)] public double Alpha { get; init; } = 16;

    /// <summary>Dropout on what the adapters read.</summary>
    [Range(0.0, 0.9)] public double Dropout { get; init; }

    /// <summary>The projections of every layer that get an adapter, some of <see cref="LoraTargets.All"/>.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = LoraTargets.All;
}

/// <summary>The projections that can have an adapter.</summary>
public static class LoraTargets
{
    public static readonly IReadOnlyList<string> All = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
}
