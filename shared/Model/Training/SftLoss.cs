using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>Supervised fine-tuning: negative log-likelihood of the responses, mean over the batch's response tokens.</summary>
public static class SftLoss
{
    /// <summary>−Σ log p(target) / number of targets; scalar, with gradient.</summary>
    public static torch.Tensor Mean(Llama model, SequenceBatch batch, DropoutKey? dropout = null) => Share(batch.TargetLogProbs(model, dropout), batch.TargetTokens);

    /// <summary>A part's share of a batch's loss: the shares of all parts add up to the loss of the whole batch, and so do their gradients.</summary>
    /// <param name="passes">The model in training.</param>
    /// <param name="part">Some of the batch's sequences.</param>
    /// <param name="targets">Response tokens of the whole batch.</param>
    /// <param name="dropout">Dropout of this pass; null for none.</param>
    public static torch.Tensor Share(TrainingPasses passes, SequenceBatch part, int targets, DropoutKey? dropout = null) => Share(part.TargetLogProbs(passes, dropout), targets);

    private static torch.Tensor Share(torch.Tensor logProbs, int targets) => logProbs.sum([0L]) * (-1.0 / targets);
}
