using System.Diagnostics.Metrics;
using SelfRewarding.Contracts;

namespace SelfRewarding.DpoTrainer;

/// <summary>What a training step was like, as metrics; the same figures are in the log. Dimensionless, tagged with the model.</summary>
public static class TrainingTelemetry
{
    private static readonly Meter Meter = new("SelfRewarding.DpoTrainer");
    private static readonly Gauge<double> Loss = Meter.CreateGauge<double>("self_rewarding.training.loss", "1", "Loss of the last step");
    private static readonly Gauge<double> GradNorm = Meter.CreateGauge<double>("self_rewarding.training.grad_norm", "1", "Global gradient norm before clipping");
    private static readonly Gauge<double> Margin = Meter.CreateGauge<double>("self_rewarding.training.reward.margin", "1", "rewards/margins of the last step");
    private static readonly Gauge<double> Accuracy = Meter.CreateGauge<double>("self_rewarding.training.reward.accuracy", "1", "rewards/accuracies of the last step");

    /// <summary>Records a step.</summary>
    public static void Record(TrainingStepped step)
    {
        var model = KeyValuePair.Create("model", (object?)step.Model);
        Loss.Record(step.Loss, model);
        GradNorm.Record(step.GradNorm, model);
        if (step.Preference is not { } preference)
            return;
        Margin.Record(preference.RewardsMargins, model);
        Accuracy.Record(preference.RewardsAccuracies, model);
    }
}
