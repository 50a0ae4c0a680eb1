namespace SelfRewarding.Contracts;

/// <summary>
/// The stored name of every fact: Marten's snake_case alias, listed so that a class may be renamed without rewriting the log. A fact whose shape has
/// changed has a version behind it (<c>run_started_v2</c>), and <see cref="Upcasts"/> says how the older shape becomes the newer one.
/// </summary>
public static class FactNames
{
    /// <summary>Every fact and the name that it is written under. A test keeps this list complete.</summary>
    public static readonly IReadOnlyDictionary<Type, string> ByType = new Dictionary<Type, string>
    {
        [typeof(RunStarted)] = "run_started",
        [typeof(ModelPublished)] = "model_published",
        [typeof(RunCompleted)] = "run_completed",
        [typeof(RunStopped)] = "run_stopped",
        [typeof(PromptGenerated)] = "prompt_generated",
        [typeof(CandidatesSampled)] = "candidates_sampled",
        [typeof(CandidatesJudged)] = "candidates_judged",
        [typeof(PreferencePairBuilt)] = "preference_pair_built",
        [typeof(PromptDiscarded)] = "prompt_discarded",
        [typeof(DatasetFrozen)] = "dataset_frozen",
        [typeof(EftBuilt)] = "eft_built",
        [typeof(TrainingStarted)] = "training_started",
        [typeof(TrainingStepped)] = "training_stepped",
        [typeof(CheckpointSaved)] = "checkpoint_saved",
        [typeof(CheckpointCompared)] = "checkpoint_compared",
        [typeof(HeldOutAnswered)] = "held_out_answered",
        [typeof(HeldOutJudged)] = "held_out_judged",
        [typeof(ModelEvaluated)] = "model_evaluated",
    };

    /// <summary>The fact that a newest name stands for.</summary>
    public static readonly IReadOnlyDictionary<string, Type> ByName = ByType.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>
    /// From each older shape to the next; so far every fact has had one shape (<see cref="RunStarted.Origin"/>, <see cref="TrainingStepped.Rewards"/>,
    /// <see cref="RunSettings.Engines"/>, <see cref="CandidatesSampled.Server"/> with its like, and what the meta-judge adds were added with a default).
    /// A new one needs: the new name in <see cref="ByType"/>, a step here, and a golden of each shape in the tests.
    /// </summary>
    public static readonly IReadOnlyList<Upcast> Upcasts = [];

    /// <summary>All shapes together.</summary>
    public static readonly FactVersions Versions = new(ByType, Upcasts);
}
