using SelfRewarding.Contracts;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>A run's settings as figures of its adapters.</summary>
public static class LoraFigures
{
    /// <summary>The figures; null where all weights are trained.</summary>
    public static LoraConfig? Figures(this LoraSettings lora) => lora.R > 0 ? new LoraConfig(lora.R, lora.Alpha, lora.Dropout, lora.TargetModules) : null;
}
