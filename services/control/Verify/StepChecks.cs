using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Verify;

/// <summary>Each step of a training against what follows from seed and settings: the rows that it showed, its learning rate, the means of its rewards.</summary>
/// <param name="report">Takes the findings.</param>
/// <param name="subject">The training, as a person names it.</param>
/// <param name="steps">Its steps, those of impossible numbers left out.</param>
public sealed class StepChecks(VerifyReport report, string subject, IReadOnlyList<TrainingStepped> steps)
{
    // A cosine may differ in its last bit from one machine's mathematics library to another's.
    private const double Tolerance = 1e-12;

    /// <summary>Learning rates by the schedule.</summary>
    public void CheckRates(LearningRateSchedule schedule)
    {
        foreach (var step in steps)
        {
            var rate = schedule.At(step.Step - 1);
            report.Holds(
                "learning rates follow from the schedule", Place(step), Math.Abs(step.LearningRate - rate) <= Tolerance * rate,
                step.LearningRate.ToString("R", CultureInfo.InvariantCulture), rate.ToString("R", CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The examples of each step.</summary>
    /// <param name="shown">What a step must have shown.</param>
    public void CheckExamples(Func<int, IReadOnlyList<int>> shown)
    {
        foreach (var step in steps)
            report.Same("examples of steps follow from seed and step", Place(step), step.Examples, shown(step.Step));
    }

    /// <summary>Which examples of each step are pairs of judgements.</summary>
    /// <param name="shown">What a step must have shown.</param>
    public void CheckJudging(Func<int, IReadOnlyList<int>?> shown)
    {
        foreach (var (step, places) in steps.Select(step => (step, shown(step.Step))).Where(pair => pair.step.Judging is not null || pair.Item2 is not null))
            report.Same("pairs of judgements among them follow, too", Place(step), step.Judging, places);
    }

    /// <summary>The judging examples that each step showed again.</summary>
    /// <param name="shown">What a step must have shown.</param>
    public void CheckReplayed(Func<int, IReadOnlyList<int>> shown)
    {
        foreach (var step in steps)
            report.Same("replayed examples follow from seed and step", Place(step), step.Replayed ?? [], shown(step.Step));
    }

    /// <summary>What is recorded as means over a batch, from its pairs' own rewards; steps of an earlier version of this program have none.</summary>
    public void CheckRewards()
    {
        foreach (var step in steps)
        {
            if (step.Rewards is not { } rewards)
                continue;
            report.Same("every pair of a step has its rewards", Place(step), rewards.Count, step.Examples.Count);
            if (rewards.Count > 0)
            {
                report.Same(
                    "means follow from the pairs' rewards", Place(step), step.Preference,
                    PairRewards.Means(rewards, step.Preference?.LogpsChosen ?? 0, step.Preference?.LogpsRejected ?? 0));
            }
        }
    }

    private string Place(TrainingStepped step) => $"{subject}, step {step.Step}";
}
