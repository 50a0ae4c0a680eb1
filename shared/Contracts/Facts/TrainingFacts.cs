using System.Text.Json.Serialization;

namespace SelfRewarding.Contracts;

/// <summary>The drift panel's counts for one iteration's judgements and pairs.</summary>
/// <param name="ScoreHistogram">Parsed scores by rounded value "0" to "5".</param>
/// <param name="ChosenLongerShare">Share of pairs whose chosen answer has more characters.</param>
/// <param name="Judging">The same of judgements that were compared; null where none were.</param>
public sealed record DatasetStatistics(
    int Prompts, int Candidates, int Judgements, int UnparsableJudgements, int TruncatedCandidates,
    IReadOnlyDictionary<string, int> ScoreHistogram, IReadOnlyDictionary<string, int> Discarded,
    double MeanScore, double MeanCandidateLength, double ChosenLongerShare, double MeanMargin,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JudgingStatistics? Judging = null);

/// <summary>Counts of one iteration's comparisons of judgements, and of the pairs that came of them.</summary>
/// <param name="Comparisons">Each order of two judgements is one.</param>
/// <param name="WonFirst">Those that the judgement shown first won.</param>
/// <param name="WonSecond">Those that the second one won; the rest could not be read.</param>
/// <param name="NoPair">Prompts whose comparisons made no pair, by reason.</param>
public sealed record JudgingStatistics(int Pairs, int Comparisons, int WonFirst, int WonSecond, IReadOnlyDictionary<string, int> NoPair);

/// <summary>Version 1 of <c>training-{run}-{model}</c> for a DPO model: exactly what it is trained on.</summary>
/// <param name="Model">The model that will be made from it, such as <c>M2</c>.</param>
/// <param name="Pairs">Pairs of answers; those of judgements are in the statistics.</param>
/// <param name="Sha256">SHA-256 of the canonical dataset: one JSON line a pair, by ordinal, pairs of judgements among them.</param>
public sealed record DatasetFrozen(string Run, int Iteration, string Model, int Pairs, string Sha256, DatasetStatistics Statistics);

/// <summary>One seed example that EFT building accepted or refused, and why.</summary>
public sealed record EftVerdict(string Prompt, int Answers, bool Accepted, string Reason, IReadOnlyList<Judgement> Judgements);

/// <summary>The seed of judging examples that the SFT baseline made from ranked answers.</summary>
public sealed record EftBuilt(string Run, ModelRef Judge, int Accepted, int Thinned,
    IReadOnlyDictionary<string, int> HistogramBefore, IReadOnlyDictionary<string, int> HistogramAfter, IReadOnlyList<EftVerdict> Verdicts);

/// <summary>A training job is planned: from which model, on what, for how many steps.</summary>
/// <param name="Recipe"><c>sft</c> or <c>dpo</c>.</param>
/// <param name="TooLong">Examples left out because they do not fit into the model's context: nothing is ever cut.</param>
public sealed record TrainingStarted(
    string Run, string Model, string Recipe, ModelRef Parent, string DatasetSha256, int Examples, int TooLong, int Steps);

/// <summary>One optimiser step. Metrics bear the names of TRL's log.</summary>
/// <param name="Loss">Without the replay's.</param>
/// <param name="Examples">Which examples were in the batch: pair ordinals for DPO, row numbers of the seed data for SFT.</param>
/// <param name="ReplayLoss">Mean negative log-likelihood of the judging examples that were shown again; null without replay.</param>
/// <param name="Replayed">Which ones: row numbers of the seed's judging examples.</param>
/// <param name="Rewards">
/// What each pair of the batch was worth before the step, in the order of <paramref name="Examples"/>; null for SFT, and in events from before this
/// was recorded.
/// </param>
/// <param name="Judging">Which of the batch, by their places in <paramref name="Examples"/>, are their prompts' pairs of judgements; null where none is.</param>
public sealed record TrainingStepped(
    string Run, string Model, int Step, double Loss, double GradNorm, double LearningRate, int Tokens, double Seconds,
    PreferenceMetrics? Preference, IReadOnlyList<int> Examples, double? ReplayLoss, IReadOnlyList<int> Replayed, IReadOnlyList<PairReward>? Rewards = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<int>? Judging = null);

/// <summary>
/// Implicit rewards of a pair's two texts, β (log π − log π_ref) with the step's dropout: how far the policy has moved from its reference on each.
/// </summary>
public sealed record PairReward(double Chosen, double Rejected);

/// <summary>What TRL logs for a DPO step: <c>rewards/*</c> and <c>logps/*</c>, means over the batch.</summary>
public sealed record PreferenceMetrics(
    double RewardsChosen, double RewardsRejected, double RewardsMargins, double RewardsAccuracies, double LogpsChosen, double LogpsRejected);

/// <summary>Weights and optimiser state are on disk: training can go on from here.</summary>
public sealed record CheckpointSaved(string Run, string Model, int Step, string Path, string Sha256, string OptimizerSha256);

/// <summary>A checkpoint's answer to a held-out prompt, and how it was judged.</summary>
/// <param name="Index">The prompt's place among the held-out prompts; its judgements bear it as their candidate.</param>
public sealed record ValidationAnswer(int Index, string Prompt, string Text, Finish Finish, IReadOnlyList<Judgement> Judgements);

/// <summary>
/// Early stopping: what a checkpoint answered, how that was judged, and how it did against the checkpoint before, whose answers are in its own fact. Training goes on where it has more wins than losses; where it has not, training
/// ends and the checkpoint before is published. The first checkpoint has none before it, and goes on.
/// </summary>
/// <param name="Sha256">SHA-256 of the weights as they would be published.</param>
/// <param name="Judge">The model that training started from: it judged, where no server did.</param>
/// <param name="Against">The step of the checkpoint before; null for the first.</param>
/// <param name="Ties">Prompts where both means are equal, or one answer has no parsed judgement.</param>
/// <param name="Stops">Whether training ends here.</param>
/// <param name="Server">The server that judged; null where none did.</param>
public sealed record CheckpointCompared(
    string Run, string Model, int Step, string Sha256, ModelRef Judge, IReadOnlyList<ValidationAnswer> Answers, int? Against, int Wins, int Ties, int Losses, bool Stops,
    ServedBy? Server = null);
