using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Lineage;

/// <summary>What a pair came to in the end: its rewards by the trained model over the model before, both read from disk and held to their hashes.</summary>
public static class FinalRewards
{
    /// <summary>Measures a pair, without dropout.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="trained">The model that was trained on it.</param>
    /// <param name="settings">The settings that it was trained by.</param>
    /// <param name="options">Where the models lie.</param>
    /// <exception cref="CheckpointException">A model is not there, or is another one.</exception>
    /// <exception cref="UserException">The pair does not fit into the model's context, so nobody was trained on it.</exception>
    public static PairReward Measure(FrozenPair pair, ModelPublished trained, RunSettings settings, WorkerOptions options)
    {
        var compute = ComputeType.Named(settings.Model.ComputeDtype);
        using var reference = CheckpointFolder.Load(options.Locate(trained.Parent!.Path), trained.Parent.Sha256, compute: compute);
        using var policy = CheckpointFolder.Load(options.Locate(trained.Model.Path), trained.Model.Sha256, compute: compute);
        var (iteration, context) = (ModelNames.Iteration(trained.Model.Name)!.Value - 1, reference.Model.Config.MaxPositionEmbeddings);
        var pairs = FrozenPairs.Of([pair], iteration, settings, reference.Chat, context);
        return pairs.Count == 1
            ? PairRewards.Of(pairs.ScoreWith(policy.Model), pairs.ScoreWith(reference.Model), settings.Dpo.Beta)[0]
            : throw new UserException($"--measure: the pair of prompt {trained.Run}/{iteration}/{pair.Pair.Ordinal} does not fit into the model's context of {context} tokens, so no step saw it: ask for one that trained {trained.Model.Name}.");
    }
}
