using System.ComponentModel.DataAnnotations;

namespace SelfRewarding.Contracts;

/// <summary>Ends preference training when a checkpoint's answers to held-out prompts no longer win against those of the checkpoint before, and publishes that one.</summary>
public sealed record EarlyStoppingSettings
{
    /// <summary>Optimiser steps from one compared checkpoint to the next; the end of training is compared, too. 0 is off.</summary>
    [Range(0, 1_000_000)] public int Every { get; init; }

    /// <summary>Held-out prompts that each of them answers, of those that no model is measured on: fewer where fewer are left, and where none is left, training goes to its end.</summary>
    [Range(1, 10_000_000)] public int Prompts { get; init; } = 253;

    /// <summary>Judgements of each answer, by the model that judged the pairs or by the server of engines.judgements.</summary>
    [Range(1, 100)] public int Judgements { get; init; } = 3;
}
