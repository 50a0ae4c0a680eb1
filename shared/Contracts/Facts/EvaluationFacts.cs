namespace SelfRewarding.Contracts;

/// <summary>A held-out prompt with the model's greedy and sampled answer.</summary>
public sealed record HeldOutAnswer(int Index, string Prompt, string Greedy, string Sampled);

/// <summary>Version 1 of <c>evaluation-{run}-{model}</c>: what the model answered.</summary>
public sealed record HeldOutAnswered(string Run, ModelRef Model, IReadOnlyList<HeldOutAnswer> Answers);

/// <summary>The judgements of one answer of a held-out ranked prompt.</summary>
/// <param name="Rank">The human's (or oracle's) rank, 0 is best.</param>
public sealed record HeldOutJudgement(int Prompt, int Answer, int Rank, IReadOnlyList<Judgement> Judgements);

/// <summary>The judgements of one model's sampled answer to a held-out prompt.</summary>
/// <param name="By">The model that wrote the answer.</param>
public sealed record HeldOutAnswerJudgement(string By, int Prompt, IReadOnlyList<Judgement> Judgements);

/// <summary>
/// Version 2: how the model judged held-out ranked answers and, where no right answer is known, its own sampled answers and those of the
/// models that it is compared with.
/// </summary>
public sealed record HeldOutJudged(
    string Run, ModelRef Model, IReadOnlyList<HeldOutJudgement> Judgements, IReadOnlyList<HeldOutAnswerJudgement> Answers);

/// <summary>How well the model follows instructions; exact match and oracle score where the right answer is known.</summary>
public sealed record InstructionFollowing(
    int Prompts, double? ExactMatchGreedy, double? ExactMatchSampled, double? MeanOracleScore, double MeanLength);

/// <summary>Wins, ties and losses of this model's sampled answers against another model's.</summary>
/// <param name="LengthControlledWinRate">Win rate over the prompts where neither answer is more than 10 % longer; a tie counts half.</param>
public sealed record HeadToHead(string Against, int Wins, int Ties, int Losses, double? LengthControlledWinRate);

/// <summary>Agreement of the model's scores with the ranking; a tie counts half.</summary>
/// <param name="FiveBest">Share of best-ranked answers that got a full 5.</param>
/// <param name="ExactOrder">Share of prompts whose whole order agrees.</param>
public sealed record RewardModelling(
    int Prompts, int Pairs, double PairwiseAccuracy, double FiveBest, double ExactOrder, double Spearman, double Kendall,
    double UnparsableRate, double TieRate);

/// <summary>Version 3: the figures, every one recomputable from versions 1 and 2.</summary>
/// <param name="JudgeAgreement">Mean (Kendall τ + 1) / 2 between this model's and the previous model's scores; null for the first.</param>
public sealed record ModelEvaluated(
    string Run, ModelRef Model, InstructionFollowing Following, IReadOnlyList<HeadToHead> HeadToHead, RewardModelling? Judging, double? JudgeAgreement);
