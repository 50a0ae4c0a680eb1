using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>The preference loss in force. Names and defaults are TRL's where it has them.</summary>
/// <param name="Loss"><c>sigmoid</c>, <c>sigmoid_norm</c>, <c>ipo</c>, <c>ipo_mean</c> or <c>simpo</c>.</param>
/// <param name="Beta">β: how far the policy may move from the reference.</param>
/// <param name="LabelSmoothing">ε of conservative DPO.</param>
/// <param name="RpoAlpha">α of iterative RPO: weight of the chosen response's mean negative log-likelihood.</param>
/// <param name="SimpoGamma">γ: SimPO's target margin.</param>
public sealed record DpoParameters(string Loss = "sigmoid", double Beta = 0.1, double LabelSmoothing = 0, double RpoAlpha = 0, double SimpoGamma = 1);

/// <summary>Log-probabilities of one side of a batch of pairs: sums over response tokens in nats, and the numbers of those tokens.  (B) each</summary>
public sealed record SideLogProbs(torch.Tensor Policy, torch.Tensor Reference, torch.Tensor Lengths);

/// <summary>Losses and implicit rewards of a batch of pairs.  (B) each</summary>
/// <param name="ChosenRewards">β (log π − log π_ref) of the chosen responses, without gradient.</param>
public sealed record DpoResult(torch.Tensor Losses, torch.Tensor ChosenRewards, torch.Tensor RejectedRewards);

/// <summary>
/// Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290) and its relatives. With Δ the policy's log-ratio of chosen to rejected
/// minus the reference's:
/// <code>
///   sigmoid       −(1 − ε) log σ(βΔ) − ε log σ(−βΔ)              cDPO where ε > 0
///   sigmoid_norm  the same with each answer's log-ratio divided    length-normalised DPO (Tülu 3, arXiv 2411.15124, equation 6)
///                 by its own tokens
///   ipo           (Δ − 1/(2β))²                                   summed log-probabilities (arXiv 2310.12036)
///   ipo_mean      the same over per-token means, as TRL has it
///   simpo         −log σ(β (mean_w − mean_l) − γ)                 no reference (arXiv 2405.14734)
///   + α · NLL(chosen)/|chosen|                                    iterative RPO (arXiv 2404.19733)
/// </code>
/// Rewards are those of summed log-probabilities for every loss, so that they can be compared.
/// </summary>
public static class DpoLoss
{
    /// <summary>The loss of each pair.</summary>
    /// <exception cref="ArgumentException">The loss is unknown.</exception>
    public static DpoResult Of(SideLogProbs chosen, SideLogProbs rejected, DpoParameters parameters)
    {
        var beta = parameters.Beta;
        var delta = (chosen.Policy - rejected.Policy) - (chosen.Reference - rejected.Reference);
        var losses = parameters.Loss switch
        {
            "sigmoid" => Sigmoid(delta, parameters),
            "sigmoid_norm" => Sigmoid(MeanRatio(chosen) - MeanRatio(rejected), parameters),
            "ipo" => (delta - (1 / (2 * beta))).pow(2),
            "ipo_mean" => (Mean(chosen.Policy, chosen) - Mean(rejected.Policy, rejected)
                - (Mean(chosen.Reference, chosen) - Mean(rejected.Reference, rejected)) - (1 / (2 * beta))).pow(2),
            "simpo" => -LogSigmoid(((Mean(chosen.Policy, chosen) - Mean(rejected.Policy, rejected)) * beta) - parameters.SimpoGamma),
            _ => throw new ArgumentException($"Loss '{parameters.Loss}' is unknown, expected sigmoid, sigmoid_norm, ipo, ipo_mean or simpo.", nameof(parameters)),
        };
        if (parameters.RpoAlpha != 0)
            losses = losses - (Mean(chosen.Policy, chosen) * parameters.RpoAlpha);
        return new DpoResult(
            losses, (chosen.Policy.detach() - chosen.Reference) * beta, (rejected.Policy.detach() - rejected.Reference) * beta);
    }

    private static torch.Tensor Sigmoid(torch.Tensor delta, DpoParameters parameters)
    {
        var (beta, smoothing) = (parameters.Beta, parameters.LabelSmoothing);
        return smoothing == 0 ? -LogSigmoid(delta * beta) : (LogSigmoid(delta * beta) * -(1 - smoothing)) - (LogSigmoid(delta * -beta) * smoothing);
    }

    private static torch.Tensor MeanRatio(SideLogProbs side) => Mean(side.Policy - side.Reference, side);

    private static torch.Tensor Mean(torch.Tensor logProbs, SideLogProbs side) => logProbs / side.Lengths;

    private static torch.Tensor LogSigmoid(torch.Tensor x) => torch.nn.functional.logsigmoid(x);
}
