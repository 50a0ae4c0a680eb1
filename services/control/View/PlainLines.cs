using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;

namespace SelfRewarding.Control.View;

/// <summary>
/// A run told in lines, for output that is no terminal: every milestone, and progress at most once in ten seconds. Time is that of the
/// facts, so the same log always tells the same story.
/// </summary>
public sealed class PlainLines(RunSummary summary)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private DateTimeOffset _lastProgress = DateTimeOffset.MinValue;

    /// <summary>The line for a fact that the summary has just taken, or null where there is nothing new to say.</summary>
    public string? After(object fact, DateTimeOffset at) => Milestone(fact) ?? Progress(fact, at);

    /// <summary>What to say first of a run that has begun before anybody looked: how it began, or that it goes on.</summary>
    public string Opening() =>
        summary is { Settings: { } settings } && summary.LastFactAt == summary.StartedAt && !summary.Models.Any() ? Beginning(settings) : $"run {summary.Run} goes on where it was";

    private string Beginning(RunSettings settings) => $"run {summary.Run}: preset {settings.Preset}, seed {settings.Seed}; {settings.Iterations} iterations of "
        + $"{Figures.Count(settings.Prompts.PerIteration)} prompts, {settings.Candidates.Count} answers each, {settings.Judge.Count} judgements an answer";

    private string? Milestone(object fact) => fact switch
    {
        RunStarted f => Beginning(f.Settings),
        TrainingStarted f => $"{f.Model}: {f.Recipe} from {f.Parent.Name} on {Figures.Count(f.Examples)} examples, {Figures.Count(f.Steps)} steps",
        EftBuilt f => $"judging examples from ranked answers: {Figures.Count(f.Accepted)} accepted of {Figures.Count(f.Verdicts.Count)}, {Figures.Count(f.Thinned)} thinned out",
        ModelPublished f => $"{f.Model.Name} is ready: {f.Model.Path}, {Figures.Hash(f.Model.Sha256)}",
        DatasetFrozen f => $"iteration {f.Iteration}: {Figures.Pairs(f.Pairs, f.Statistics.Judging?.Pairs)} from {Figures.Count(f.Statistics.Prompts)} prompts{Discards(f.Iteration)}",
        ModelEvaluated f => Measured(f),
        RunCompleted f => $"{f.Model.Name} is the last model: the run is complete",
        RunStopped f => $"the run stopped: {f.Reason}",
        CheckpointCompared { Against: { } against } f => $"{f.Model}: step {f.Step} against {against} on {Figures.Count(f.Answers.Count)} prompts: {f.Wins} won, {f.Ties} tied, {f.Losses} lost"
            + (f.Stops ? $"; training stops, and {f.Model} is that of step {against}" : ""),
        TrainingStepped f when summary.Model(f.Model)?.Training?.Steps == f.Step => Training(f),
        _ => null,
    };

    private string? Progress(object fact, DateTimeOffset at)
    {
        var line = fact switch
        {
            TrainingStepped f => Training(f),
            PromptGenerated f => Prompts(f.Iteration),
            CandidatesSampled f => Prompts(f.Iteration),
            CandidatesJudged f => Prompts(f.Iteration),
            PreferencePairBuilt f => Prompts(f.Iteration),
            PromptDiscarded f => Prompts(f.Iteration),
            _ => null,
        };
        if (line is null || at - _lastProgress < Pause) return null;
        _lastProgress = at;
        return line;
    }

    private string Training(TrainingStepped step)
    {
        var model = summary.Model(step.Model)!;
        var margins = model.RewardsMargins is { } margin
            ? $", rewards/margins {Figures.Number(margin, "0.000")}, rewards/accuracies {Figures.Number(model.RewardsAccuracies)}"
            : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{step.Model}: step {step.Step} of {model.Training?.Steps ?? step.Step}, loss {step.Loss:0.0000}{margins}, lr {step.LearningRate:0.0e-0}, {Figures.Rate(model.TokensPerSecond)}");
    }

    private string? Prompts(int number)
    {
        var iteration = summary.Iterations.FirstOrDefault(iteration => iteration.Number == number);
        return iteration is null ? null : $"iteration {number}: of {Figures.Count(iteration.Planned)} prompts {Figures.Count(iteration.Generated)} drafted, "
            + $"{Figures.Count(iteration.Sampled)} answered, {Figures.Count(iteration.Judged)} judged, {Figures.Count(iteration.Settled)} settled "
            + $"({Figures.Pairs(iteration.Pairs, iteration.JudgingPairs)}){(summary.Generation.PerSecond is { } rate ? ", " + Figures.Rate(rate) : "")}";
    }

    private string Discards(int number)
    {
        var discarded = summary.Iterations.FirstOrDefault(iteration => iteration.Number == number)?.Discarded;
        return discarded is { Count: > 0 } ? $" ({string.Join(", ", discarded.Select(entry => $"{DriftPanel.InWords(entry.Key)} {Figures.Count(entry.Value)}"))})" : "";
    }

    private static string Measured(ModelEvaluated evaluated)
    {
        string?[] figures =
        [
            evaluated.Following.ExactMatchSampled is { } sampled ? $"exact match {Figures.Percent(sampled)} % sampled" : null,
            evaluated.Following.ExactMatchGreedy is { } greedy ? $"{Figures.Percent(greedy)} % greedy" : null,
            evaluated.Judging is { } judging ? $"pairwise accuracy {Figures.Percent(judging.PairwiseAccuracy)} %, unparsable {Figures.Percent(judging.UnparsableRate)} %" : null,
        ];
        return $"{evaluated.Model.Name} measured: {string.Join(", ", figures.Where(figure => figure is not null).DefaultIfEmpty("no figures"))}";
    }
}
