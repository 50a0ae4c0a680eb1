using SelfRewarding.Contracts;
using SelfRewarding.Datasets;

namespace SelfRewarding.Control.Settings;

/// <summary>What asking for a meta-judge means for the settings: the layout that it compares judgements by is recorded, too.</summary>
public static class MetaJudgeSettings
{
    /// <summary>The settings with the layout that goes with the judge's, where judgements are to be compared and none was given.</summary>
    /// <exception cref="SettingsException">The judge's layout is somebody's own, so that none goes with it.</exception>
    public static RunSettings Resolve(RunSettings settings)
    {
        if (settings is not { Judge.MetaIterations: { } iterations, Format.MetaJudge: null })
            return settings;
        return settings with
        {
            Format = settings.Format with
            {
                MetaJudge = MetaJudgeFormat.For(settings.Format.Judge)
                    ?? throw new SettingsException([$"judge.meta_iterations is {iterations}, but format.meta_judge is not set, and format.judge is a layout of your own: give one that judgements are compared by, with {{prompt}}, {{response}}, {{first}} and {{second}}."]),
            },
        };
    }
}
