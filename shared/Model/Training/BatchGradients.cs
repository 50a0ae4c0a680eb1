using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>A pair to learn from, and log p(response | prompt) of both sides under the reference, in nats.</summary>
public sealed record PreferenceExample(TrainingSequence Chosen, TrainingSequence Rejected, float ReferenceChosen, float ReferenceRejected);

/// <summary>What a batch of pairs came to: the mean loss, and of each pair the implicit rewards and the policy's log-probabilities.</summary>
public sealed record PreferenceOutcome(double Loss, float[] ChosenRewards, float[] RejectedRewards, float[] ChosenLogProbs, float[] RejectedLogProbs);

/// <summary>
/// Adds the gradients of a whole batch to those of a model. Where a batch is divided its parts go forward and backward one after another, each weighted by its share of the
/// batch's loss, so the sum is the gradient of the undivided batch but for rounding; only dropout draws other masks.
/// </summary>
/// <param name="model">The model in training.</param>
/// <param name="microBatch">Examples, or pairs, of a part; 0 does not divide.</param>
/// <param name="checkpointActivations">See <see cref="TrainingPasses"/>.</param>
public sealed class BatchGradients(Llama model, int microBatch = 0, bool checkpointActivations = false)
{
    /// <summary>Of supervised fine-tuning; returns −Σ log p(response) / Σ response tokens.</summary>
    public double Supervised(IReadOnlyList<TrainingSequence> batch, DropoutKey? dropout = null)
    {
        var targets = batch.Sum(sequence => sequence.Response.Length);
        var loss = 0.0;
        foreach (var (index, part) in Parts(batch).Index())
        {
            using var scope = torch.NewDisposeScope();
            using var passes = new TrainingPasses(model, checkpointActivations);
            using var sequences = SequenceBatch.Of(part, model.Device);
            var share = SftLoss.Share(passes, sequences, targets, dropout?.Of(index));
            passes.Backward(share);
            loss += share.cpu().item<float>();
        }

        return loss;
    }

    /// <summary>Of preference training; the loss is the mean over the pairs, see <see cref="DpoLoss"/>.</summary>
    public PreferenceOutcome Preference(IReadOnlyList<PreferenceExample> batch, DpoParameters parameters, DropoutKey? dropout = null)
    {
        var loss = 0.0;
        List<float> chosenRewards = [], rejectedRewards = [], chosenLogProbs = [], rejectedLogProbs = [];
        foreach (var (index, part) in Parts(batch).Index())
        {
            using var scope = torch.NewDisposeScope();
            using var passes = new TrainingPasses(model, checkpointActivations);
            using var chosen = SequenceBatch.Of([.. part.Select(pair => pair.Chosen)], model.Device);
            using var rejected = SequenceBatch.Of([.. part.Select(pair => pair.Rejected)], model.Device);
            var winners = Side(passes, chosen, part.Select(pair => pair.ReferenceChosen), dropout?.Of(index));
            var losers = Side(passes, rejected, part.Select(pair => pair.ReferenceRejected), dropout?.Of(index));
            var result = DpoLoss.Of(winners, losers, parameters);
            var share = result.Losses.mean([0L]) * ((double)part.Length / batch.Count);
            passes.Backward(share);
            loss += share.cpu().item<float>();
            chosenRewards.AddRange(Floats(result.ChosenRewards));
            rejectedRewards.AddRange(Floats(result.RejectedRewards));
            chosenLogProbs.AddRange(Floats(winners.Policy));
            rejectedLogProbs.AddRange(Floats(losers.Policy));
        }

        return new PreferenceOutcome(loss, [.. chosenRewards], [.. rejectedRewards], [.. chosenLogProbs], [.. rejectedLogProbs]);
    }

    private IEnumerable<T[]> Parts<T>(IReadOnlyList<T> batch) => batch.Chunk(microBatch > 0 ? microBatch : Math.Max(1, batch.Count));

    private static SideLogProbs Side(TrainingPasses passes, SequenceBatch side, IEnumerable<float> reference, DropoutKey? dropout) =>
        new(side.ResponseLogProbs(passes, dropout), torch.tensor([.. reference], [side.Count], device: passes.Model.Device), side.ResponseLengths());

    private static float[] Floats(torch.Tensor vector) => vector.cpu().data<float>().ToArray();
}
