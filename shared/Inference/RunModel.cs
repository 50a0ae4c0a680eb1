using SelfRewarding.Contracts;

namespace SelfRewarding.Inference;

/// <summary>A model as a run computes with it. What it draws follows from both.</summary>
/// <param name="Ref">The model.</param>
/// <param name="ComputeDtype">See <see cref="ModelSettings.ComputeDtype"/>.</param>
public sealed record RunModel(ModelRef Ref, string? ComputeDtype)
{
    /// <summary>The model by the settings of a run.</summary>
    public static RunModel Of(ModelRef model, RunSettings settings) => new(model, settings.Model.ComputeDtype);
}
