using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>A held-out prompt that checkpoints of a training answer, to be compared by.</summary>
/// <param name="Index">Its place among the held-out prompts.</param>
public sealed record ValidationPrompt(int Index, string Prompt);

/// <summary>
/// The held-out prompts that early stopping compares checkpoints on. A training that stops by them has been chosen by them, so they are none of those that the evaluator measures on: neither the first
/// evaluation.prompts of the held-out prompts nor the first evaluation.ranked of the ranked ones.
/// </summary>
public static class ValidationPrompts
{
    /// <summary>As many as are asked for, or as there are, in their order; none where early stopping is off.</summary>
    public static IReadOnlyList<ValidationPrompt> Of(SeedData seed, RunSettings settings)
    {
        var (stopping, evaluation) = (settings.Dpo.EarlyStopping, settings.Evaluation);
        if (stopping.Every == 0)
            return [];
        var taken = seed.HeldOutPrompts.Take(evaluation.Prompts).Select(prompt => prompt.Prompt)
            .Concat(seed.HeldOutRanked.Take(evaluation.Ranked).Select(prompt => prompt.Prompt)).ToHashSet(StringComparer.Ordinal);
        return [.. seed.HeldOutPrompts.Index().Where(prompt => taken.Add(prompt.Item.Prompt)).Take(stopping.Prompts).Select(prompt => new ValidationPrompt(prompt.Index, prompt.Item.Prompt))];
    }

    /// <summary>What a person should know before such a run begins: that too few prompts are left, or none; null where all is well.</summary>
    /// <param name="seed">The run's data.</param>
    /// <param name="settings">Its settings.</param>
    /// <param name="isFork">Whether it shares another run's data: then it can have no more of them, nor measure on less.</param>
    public static string? Problem(SeedData seed, RunSettings settings, bool isFork = false)
    {
        var (stopping, found) = (settings.Dpo.EarlyStopping, Of(seed, settings).Count);
        if (stopping.Every == 0 || found == stopping.Prompts)
            return null;
        var left = $"of {seed.HeldOutPrompts.Count} held-out prompts {found} {(found == 1 ? "is" : "are")} left that no model is measured on (evaluation.prompts is {settings.Evaluation.Prompts}, evaluation.ranked {settings.Evaluation.Ranked})";
        return found == 0
            ? $"Early stopping has nothing to compare checkpoints on, so each training on pairs goes to its end: {left}. {(isFork ? "A fork shares these prompts: start a new run to compare checkpoints." : "More held-out prompts, or less to measure on, would do.")}"
            : $"Checkpoints are compared on fewer prompts than dpo.early_stopping.prompts ({stopping.Prompts}): {left}.";
    }
}
