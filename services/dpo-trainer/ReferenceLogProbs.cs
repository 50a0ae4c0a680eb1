using System.Runtime.InteropServices;
using System.Security.Cryptography;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Model;
using TorchSharp;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// What the reference makes of a frozen dataset: worked out once, before the first step, and kept beside the pairs, so that no step and no training that goes on after a crash
/// runs the reference. The file names the pairs and the model that it is for and the hash of its numbers; where any of them differs, it is made again.
/// </summary>
public static class ReferenceLogProbs
{
    private const string Chosen = "chosen", Rejected = "rejected", PairsSha256 = "pairs_sha256", ReferenceSha256 = "reference_sha256", NumbersSha256 = "numbers_sha256";

    /// <summary>Log-probabilities of the pairs that a model is trained on under the model that it starts from, computed as the run computes.</summary>
    /// <exception cref="CheckpointException">The model is needed and is not there or another one, or the file cannot be written.</exception>
    public static FrozenPairs.LogProbs Of(FrozenPairs pairs, string run, string name, ModelRef reference, RunSettings settings, WorkerOptions options) =>
        Of(options.Locate(Path.Combine("runs", run, "pairs", $"{name}.reference.safetensors")), pairs, reference.Sha256, () =>
        {
            using var model = CheckpointFolder.Load(
                options.Locate(reference.Path), reference.Sha256, device: ComputeDevice.Named(options.Device), compute: ComputeType.Named(settings.Model.ComputeDtype));
            return pairs.ScoreWith(model.Model);
        });

    /// <summary>What the file has for these pairs and this model, or else what <paramref name="score"/> says, which is then in the file.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static FrozenPairs.LogProbs Of(string file, FrozenPairs pairs, string referenceSha256, Func<FrozenPairs.LogProbs> score)
    {
        if (File.Exists(file) && Read(file, pairs, referenceSha256) is { } stored)
            return stored;
        var scored = score();
        using var scope = torch.NewDisposeScope();
        SafeTensors.Write(
            file,
            [KeyValuePair.Create(Chosen, torch.tensor(scored.Chosen, [pairs.Count])), KeyValuePair.Create(Rejected, torch.tensor(scored.Rejected, [pairs.Count]))],
            new Dictionary<string, string> { [PairsSha256] = pairs.Sha256, [ReferenceSha256] = referenceSha256, [NumbersSha256] = Hash(scored) });
        return scored;
    }

    private static FrozenPairs.LogProbs? Read(string file, FrozenPairs pairs, string referenceSha256)
    {
        try
        {
            using var stored = SafeTensors.Open(file);
            string[] sides = [Chosen, Rejected];
            if (!sides.All(side => stored.Tensors.GetValueOrDefault(side) is { Type: "F32" })
                || stored.Metadata.GetValueOrDefault(PairsSha256) != pairs.Sha256
                || stored.Metadata.GetValueOrDefault(ReferenceSha256) != referenceSha256)
                return null;
            using var scope = torch.NewDisposeScope();
            var scores = new FrozenPairs.LogProbs(stored.Read(Chosen).data<float>().ToArray(), stored.Read(Rejected).data<float>().ToArray());
            return scores.Chosen.Length == pairs.Count && scores.Rejected.Length == pairs.Count && stored.Metadata.GetValueOrDefault(NumbersSha256) == Hash(scores) ? scores : null;
        }
        catch (CheckpointException)
        {
            return null; // damaged
        }
    }

    private static string Hash(FrozenPairs.LogProbs scores)
    {
        float[] numbers = [.. scores.Chosen, .. scores.Rejected];
        return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(numbers.AsSpan())));
    }
}
