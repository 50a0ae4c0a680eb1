namespace SelfRewarding.Model;

/// <summary>How the learning rate goes after the warm-up.</summary>
public enum LearningRateDecay
{
    /// <summary>Stays at the peak.</summary>
    Constant,

    /// <summary>Falls on a straight line to the floor.</summary>
    Linear,

    /// <summary>Falls on half a cosine to the floor.</summary>
    Cosine,
}

/// <summary>
/// The learning rate of each step: a straight warm-up to <paramref name="Peak"/> (the first step already learns), then <paramref name="Decay"/> to
/// <paramref name="Floor"/>, which the last step reaches.
/// </summary>
/// <param name="Decay">The way down.</param>
/// <param name="Peak">The highest rate.</param>
/// <param name="Floor">The rate of the last step; ignored by <see cref="LearningRateDecay.Constant"/>.</param>
/// <param name="WarmupSteps">Steps until the peak; 0 starts there.</param>
/// <param name="TotalSteps">All steps, the warm-up's included.</param>
public sealed record LearningRateSchedule(LearningRateDecay Decay, double Peak, double Floor, int WarmupSteps, int TotalSteps)
{
    /// <summary>The rate of <paramref name="step"/>, counted from 0.</summary>
    public double At(int step)
    {
        if (step < WarmupSteps) return Peak * (step + 1) / WarmupSteps;
        var progress = Math.Clamp((double)(step - WarmupSteps) / Math.Max(1, TotalSteps - 1 - WarmupSteps), 0, 1);
        return Decay switch
        {
            LearningRateDecay.Constant => Peak,
            LearningRateDecay.Linear => Peak + (Floor - Peak) * progress,
            _ => Floor + (Peak - Floor) * (1 + Math.Cos(Math.PI * progress)) / 2,
        };
    }
}
