namespace SelfRewarding.Contracts;

/// <summary>
/// The stored name of every fact: Marten's snake_case alias, listed so that a class may be renamed without rewriting the log.
/// </summary>
public static class FactNames
{
    /// <summary>Every fact and its stored name. A test keeps this list complete.</summary>
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
        [typeof(HeldOutAnswered)] = "held_out_answered",
        [typeof(HeldOutJudged)] = "held_out_judged",
        [typeof(ModelEvaluated)] = "model_evaluated",
    };

    /// <summary>The fact that a stored name stands for.</summary>
    public static readonly IReadOnlyDictionary<string, Type> ByName = ByType.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);
}
