using SelfRewarding.Contracts;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Plan;

/// <summary>What a run takes of the disk, in bytes.</summary>
/// <param name="Models">M0, the baseline, M1 and the model of each iteration, in the types that they are published in.</param>
/// <param name="Checkpoints">The two checkpoints that are there while one follows on the other: float32 weights and moments, or an adapter with its moments; with early stopping also the two models that are compared.</param>
/// <param name="Log">Texts, tokens and indexes of all events, about.</param>
public sealed record DiskNeed(long Models, long Checkpoints, long Log)
{
    private const int Float = sizeof(float);

    // Of a recorded token with its id as JSON, its text, and its part of rows and indexes; of an event besides.
    private const int BytesOfAToken = 16, BytesOfAnEvent = 2_000;

    /// <summary>All together.</summary>
    public long Bytes => Models + Checkpoints + Log;

    /// <summary>Works it out.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="settings">How many models there will be, and what checkpoints hold.</param>
    /// <param name="published">Bytes of one model as it is published.</param>
    /// <param name="tokens">What is generated.</param>
    public static DiskNeed Of(LlamaConfig config, RunSettings settings, long published, TokenPlan tokens)
    {
        var checkpoint = 3 * MemoryNeed.LearnedElements(config, settings) * Float;
        var events = (4L * settings.Iterations * settings.Prompts.PerIteration) + tokens.Trained.Sum(model => (long)model.Steps);
        return new(
            (settings.Iterations + 3) * published, 2 * (checkpoint + (settings.Dpo.EarlyStopping.Every > 0 ? published : 0)),
            (tokens.Generated.Sum(work => work.Written) * BytesOfAToken) + (events * BytesOfAnEvent));
    }
}
