using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;

namespace SelfRewarding.Control.Verify;

/// <summary>A model's training: planned on what was frozen, every step there once, published as it was planned.</summary>
public static class TrainingChecks
{
    /// <param name="report">Takes the findings.</param>
    /// <param name="subject">The model, as a person names it.</param>
    /// <param name="facts">Its training stream.</param>
    /// <param name="published">What was published, or null while it is in the making.</param>
    /// <param name="parent">The model that it must come from.</param>
    /// <param name="pairs">The pairs for it, by the prompts that made them and whether they are of judgements; null where it is trained on demonstrations.</param>
    public static void Check(
        VerifyReport report, string subject, IReadOnlyList<object> facts, ModelPublished? published, ModelRef? parent, IReadOnlyCollection<(int Ordinal, bool IsJudging)>? pairs)
    {
        var steps = facts.OfType<TrainingStepped>().ToList();
        report.Same("training steps are there once each", subject, steps.Select(step => step.Step), Enumerable.Range(1, steps.Count));
        if (facts.OfType<TrainingStarted>().SingleOrDefault() is not { } plan)
        {
            report.Holds("training is planned before its first step", subject, steps.Count == 0, $"{steps.Count} steps without a plan", "a plan");
            return;
        }

        report.Same("models come from the model before", subject, plan.Parent, parent);
        if (facts.OfType<DatasetFrozen>().SingleOrDefault() is { } frozen)
            report.Same("models are trained on what was frozen", subject, plan.DatasetSha256, frozen.Sha256);
        if (pairs is not null)
            CheckEpochs(report, subject, plan, steps, pairs);
        if (published is null)
            return;
        var compared = facts.OfType<CheckpointCompared>().ToList();
        report.Same("published models are trained to the end", subject, steps.Count, compared is [.., { Stops: true } last] ? last.Step : plan.Steps);
        report.Same("published models are trained to the end", subject, published.Steps, EarlyStoppingRule.Published(compared)?.Step ?? plan.Steps);
        report.Same("models come from the model before", subject, published.Parent, plan.Parent);
        report.Same("models are trained on what was frozen", subject, published.DatasetSha256, plan.DatasetSha256);
    }

    // Each pass over the data shows every pair once; pairs that do not fit into the context are left out of all.
    private static void CheckEpochs(VerifyReport report, string subject, TrainingStarted plan, List<TrainingStepped> steps, IReadOnlyCollection<(int Ordinal, bool IsJudging)> pairs)
    {
        var shown = steps.SelectMany(step => step.Examples.Select((ordinal, place) => (Ordinal: ordinal, IsJudging: step.Judging?.Contains(place) == true))).Chunk(plan.Examples).Where(epoch => epoch.Length == plan.Examples).ToList();
        foreach (var (index, epoch) in shown.Index())
        {
            report.Holds(
                "each epoch shows every pair once", $"{subject}, epoch {index + 1}", epoch.Distinct().Count() == epoch.Length && epoch.All(pairs.Contains),
                $"pairs {InWords(epoch)}", $"{plan.Examples} of pairs {InWords(pairs)}");
        }

        report.Holds(
            "all pairs are trained on", subject, plan.Examples + plan.TooLong == pairs.Count, $"{plan.Examples} pairs and {plan.TooLong} too long", $"{pairs.Count} pairs");
    }

    private static string InWords(IEnumerable<(int Ordinal, bool IsJudging)> pairs) => string.Join(" ", pairs.Order().Select(pair => pair.IsJudging ? $"{pair.Ordinal}/judging" : $"{pair.Ordinal}"));
}
