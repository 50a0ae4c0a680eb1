using System.ComponentModel.DataAnnotations;

namespace SelfRewarding.Contracts;

/// <summary>What training takes of memory, both supervised and on pairs.</summary>
public sealed record TrainSettings
{
    /// <summary>Examples (or pairs) of a batch that go forward and backward at once; their gradients add up to the batch's. 0 takes the whole batch.</summary>
    [Range(0, 65536)] public int MicroBatch { get; init; }

    /// <summary>Keep what each layer read instead of all that it computed, and compute that again on the way back: far less memory for one forward pass more.</summary>
    public bool CheckpointActivations { get; init; }
}
