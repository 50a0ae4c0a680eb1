using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;

namespace SelfRewarding.Control.View;

/// <summary>What self-rewarding gained, in a sentence for each model after M1. A loss is said in the same words.</summary>
internal static class Gains
{
    public static IReadOnlyList<string> Of(RunSummary summary)
    {
        if (summary.Model(ModelNames.OfIteration(1))?.Evaluation is not { } first) return [];
        return [.. summary.Models
            .Where(model => ModelNames.Iteration(model.Name) > 1 && model.Evaluation is not null)
            .Select(model => Sentence(model.Name, first, model.Evaluation!))];
    }

    private static string Sentence(string model, ModelEvaluated first, ModelEvaluated later)
    {
        var judging = first.Judging is { } before && later.Judging is { } after
            ? string.Create(CultureInfo.InvariantCulture, $"{Figures.Points(after.PairwiseAccuracy - before.PairwiseAccuracy)} points of pairwise accuracy as a judge")
            : null;
        if ((first.Following.ExactMatchSampled, later.Following.ExactMatchSampled) is not ({ } from, { } to))
            return judging is null ? $"{model} and M1 have no figure in common." : $"{model} against M1: {judging}.";

        var width = Chance.HalfWidthOfDifference(from, to, later.Following.Prompts);
        var interval = $"95 % interval {Figures.Points(to - from - width)} to {Figures.Points(to - from + width)}";
        return $"{model} against M1: {Figures.Points(to - from)} points of exact match, sampled ({interval}){(judging is null ? "" : $", and {judging}")}.";
    }
}
