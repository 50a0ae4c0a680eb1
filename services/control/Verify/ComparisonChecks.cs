using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;

namespace SelfRewarding.Control.Verify;

/// <summary>Early stopping: which checkpoints were compared on which prompts, and that each decision follows from the raw judgements.</summary>
public static class ComparisonChecks
{
    /// <param name="report">Takes the findings.</param>
    /// <param name="subject">The training, as a person names it.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="recorded">Its comparisons.</param>
    /// <param name="steps">Steps that it has come to.</param>
    /// <param name="seed">The run's seed data; null where they are not there any more.</param>
    /// <param name="settings">The settings that it was made by.</param>
    public static void Check(VerifyReport report, string subject, TrainingStarted plan, IReadOnlyList<CheckpointCompared> recorded, int steps, SeedData? seed, RunSettings settings)
    {
        var stopping = settings.Dpo.EarlyStopping;
        if (stopping.Every == 0 && recorded.Count == 0)
            return;
        var prompts = seed is null ? null : ValidationPrompts.Of(seed, settings);
        var due = EarlyStoppingRule.Steps(stopping, plan.Steps, prompts?.Count ?? recorded.Count).TakeWhile(step => step <= steps).ToList();
        // The newest may be at work, or was when the worker was killed.
        var missing = due.Count == recorded.Count + 1 && due[^1] == steps ? 1 : 0;
        report.Same("checkpoints are compared when they are due", subject, recorded.Select(compared => compared.Step), due.SkipLast(missing));
        CheckpointCompared? before = null;
        foreach (var compared in recorded)
            before = Check(report, $"{subject}, step {compared.Step} compared", compared, before, prompts, settings, plan.Parent);
    }

    private static CheckpointCompared Check(
        VerifyReport report, string subject, CheckpointCompared compared, CheckpointCompared? before, IReadOnlyList<ValidationPrompt>? prompts, RunSettings settings, ModelRef parent)
    {
        report.Same("checkpoints are judged by the model before", subject, compared.Judge, parent);
        if (prompts is not null)
        {
            report.Same(
                "checkpoints answer prompts that no model is measured on", subject, compared.Answers.Select(answer => new { answer.Index, answer.Prompt }),
                prompts.Select(prompt => new { prompt.Index, prompt.Prompt }));
        }

        var answers = compared.Answers.Select(answer =>
        {
            var place = $"{subject}, prompt {answer.Index}";
            report.Same(
                "judgements are there once each", place, answer.Judgements.Select(judgement => $"{judgement.Candidate}/{judgement.Index}"),
                Enumerable.Range(0, settings.Dpo.EarlyStopping.Judgements).Select(index => $"{answer.Index}/{index}"));
            return answer with { Judgements = [.. answer.Judgements.Select(judgement => PromptChecks.Reparsed(report, place, judgement, settings.Judge))] };
        });
        var again = EarlyStoppingRule.Decide(compared with { Answers = [.. answers] }, before);
        report.Same(
            "comparisons follow from the raw judgements", subject, new { compared.Against, compared.Wins, compared.Ties, compared.Losses, compared.Stops },
            new { again.Against, again.Wins, again.Ties, again.Losses, again.Stops });
        return again;
    }
}
