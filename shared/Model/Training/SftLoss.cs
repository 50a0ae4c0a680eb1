using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>Supervised fine-tuning: negative log-likelihood of the responses, mean over the batch's response tokens.</summary>
public static class SftLoss
{
    /// <summary>−Σ log p(target) / number of targets; scalar, with gradient.</summary>
    public static torch.Tensor Mean(Llama model, SequenceBatch batch, DropoutKey? dropout = null) =>
        batch.TargetLogProbs(model, dropout).sum([0L]) * (-1.0 / batch.TargetTokens);
}
