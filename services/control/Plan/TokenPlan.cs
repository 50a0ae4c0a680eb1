using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Evaluator;

namespace SelfRewarding.Control.Plan;

/// <summary>What one kind of work generates in the whole run.</summary>
/// <param name="Texts">Texts that are written.</param>
/// <param name="Read">Tokens of the prompts, each read once for all the texts that are written to it.</param>
/// <param name="Written">Tokens written, were every text to run to its limit.</param>
/// <param name="Server">Whether a server does it.</param>
public sealed record GeneratedTokens(string What, long Texts, long Read, long Written, bool Server);

/// <summary>What training one model goes through.</summary>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="Tokens">Tokens of all steps together, forward and backward.</param>
/// <param name="ReferenceTokens">Tokens that the reference reads once.</param>
/// <param name="IsExact">Whether it is counted over the very batches; else it is the most that there can be.</param>
public sealed record TrainedTokens(string Model, int Steps, long Tokens, long ReferenceTokens, bool IsExact);

/// <summary>
/// The tokens that a run comes to. Generation is counted at full length, one draft a prompt; supervised training over its real batches where all of its examples are there; preference training as if every prompt
/// made a pair (and, where judgements are compared, one of these) and every answer were of full length. So it is a bound from above, but for drafts that are refused.
/// </summary>
public sealed record TokenPlan(IReadOnlyList<GeneratedTokens> Generated, IReadOnlyList<TrainedTokens> Trained)
{
    /// <summary>What early stopping generates, as it is called.</summary>
    internal const string AnswersOfCheckpoints = "answers of checkpoints";

    private const string Judgements = "judgements", Comparisons = "comparisons of judgements";

    /// <summary>Counts.</summary>
    public static TokenPlan Of(PlannedRun run) => new([.. Generation(run).Where(tokens => tokens.Texts > 0)], [.. Training(run)]);

    /// <summary>Tokens that the run's own models write, and read for it.</summary>
    public (long Read, long Written) Own => (Generated.Where(tokens => !tokens.Server).Sum(tokens => tokens.Read), Generated.Where(tokens => !tokens.Server).Sum(tokens => tokens.Written));

    /// <summary>Tokens of one message of the judge's queue, a prompt's judgements and comparisons, where the run's own models make them.</summary>
    public (double Read, double Written) OfJudging(RunSettings settings)
    {
        var judged = Each(Judgements, settings.Iterations);
        var compared = Each(Comparisons, Math.Min(settings.Judge.MetaIterations ?? 0, settings.Iterations));
        return (judged.Read + compared.Read, judged.Written + compared.Written);

        (double Read, double Written) Each(string what, int iterations) => Generated.FirstOrDefault(tokens => tokens.What == what && !tokens.Server) is { } all
            ? (all.Read / ((double)iterations * settings.Prompts.PerIteration), all.Written / ((double)iterations * settings.Prompts.PerIteration))
            : (0, 0);
    }

    private static IEnumerable<GeneratedTokens> Generation(PlannedRun run)
    {
        var (settings, seed, lengths, context) = (run.Settings, run.Seed, run.Lengths, run.Context);
        var (candidates, judge) = (settings.Candidates, settings.Judge);
        var prompts = (long)settings.Iterations * settings.Prompts.PerIteration;
        var answers = prompts * candidates.Count;
        GeneratedTokens Count(string what, long asked, double read, int each, SamplingSettings sampling, string? server = null)
        {
            var fits = Math.Min(read, context);
            return new(what, asked * each, (long)(asked * fits), (long)(asked * each * Math.Max(0, Math.Min(sampling.MaxNewTokens, context - fits))), server is not null);
        }

        if (settings.Prompts.Source == "model")
            yield return Count("drafts of prompts", prompts, lengths.DraftText, 1, settings.Prompts.Sampling, settings.Engines.Prompts.Url);
        yield return Count("answers", prompts, lengths.Prompt, candidates.Count, candidates.Sampling, settings.Engines.Candidates.Url);
        yield return Count(Judgements, answers, lengths.JudgeText + candidates.Sampling.MaxNewTokens, judge.Count, judge.Sampling, settings.Engines.Judgements.Url);
        var compared = (long)Math.Min(judge.MetaIterations ?? 0, settings.Iterations) * settings.Prompts.PerIteration;
        yield return Count(
            Comparisons, compared * judge.Count * (judge.Count - 1), lengths.MetaJudgeText + candidates.Sampling.MaxNewTokens + (2 * judge.Sampling.MaxNewTokens), 1, judge.Sampling,
            settings.Engines.Judgements.Url);
        yield return Count("judgements of the judging seed", seed.EftRanked.Sum(prompt => prompt.Answers.Count), lengths.JudgeText + lengths.RankedAnswer, 1, judge.Sampling);

        var evaluation = settings.Evaluation;
        string[] models = [ModelNames.Base, ModelNames.Baseline, .. Enumerable.Range(1, settings.Iterations + 1).Select(ModelNames.OfIteration)];
        var held = Math.Min(seed.HeldOutPrompts.Count, evaluation.Prompts);
        var ranked = seed.HeldOutRanked.Take(evaluation.Ranked).Sum(prompt => prompt.Answers.Count);
        yield return Count("answers to held-out prompts", 2L * models.Length * held, lengths.HeldOutPrompt, 1, evaluation.Sampling); // greedy and sampled
        yield return Count("judgements of held-out answers", (long)models.Length * ranked, lengths.JudgeText + lengths.HeldOutAnswer, evaluation.Judgements, judge.Sampling);
        if (seed.HeldOutPrompts.All(prompt => prompt.Reference is null))
        {
            var contests = models.Sum(model => EvaluatorService.Opponents(model).Count is var opponents and > 0 ? opponents + 1 : 0);
            yield return Count("judgements for head-to-head", (long)contests * held, lengths.JudgeText + evaluation.Sampling.MaxNewTokens, evaluation.Judgements, judge.Sampling);
        }

        var checkpoints = Enumerable.Range(1, settings.Iterations)
            .Sum(iteration => (long)EarlyStoppingRule.Steps(settings.Dpo.EarlyStopping, PreferenceSteps(settings, iteration), run.Validation.Count).Count());
        var validated = checkpoints * run.Validation.Count;
        yield return Count(AnswersOfCheckpoints, validated, lengths.HeldOutPrompt, 1, evaluation.Sampling);
        yield return Count("judgements of these", validated, lengths.JudgeText + evaluation.Sampling.MaxNewTokens, settings.Dpo.EarlyStopping.Judgements, judge.Sampling, settings.Engines.Judgements.Url);
    }

    // As if every prompt made a pair, and one of judgements where these are compared, and no training stopped before its end.
    private static int PreferenceSteps(RunSettings settings, int iteration)
    {
        var pairs = settings.Prompts.PerIteration * (settings.Judge.IsMetaJudged(iteration) ? 2 : 1);
        return settings.Dpo.Epochs * ((pairs + settings.Dpo.Batch - 1) / settings.Dpo.Batch);
    }

    private static IEnumerable<TrainedTokens> Training(PlannedRun run)
    {
        var settings = run.Settings;
        yield return Supervised(ModelNames.Baseline, run.Baseline, settings);
        var first = Supervised(ModelNames.OfIteration(1), run.First, settings);
        yield return run.IsJudged ? first : first with { Tokens = (long)((double)first.Steps * settings.Sft.Batch * run.MeanWithMadeJudging), IsExact = false };

        var answers = settings.Prompts.PerIteration;
        for (var iteration = 1; iteration <= settings.Iterations; iteration++)
        {
            var judgements = settings.Judge.IsMetaJudged(iteration) ? answers : 0;
            var steps = PreferenceSteps(settings, iteration);
            var (sides, replayed) = ((answers * 2 * run.Side) + (judgements * 2 * run.JudgingSide), (double)steps * settings.Dpo.ReplayJudged * run.Judging);
            yield return new(ModelNames.OfIteration(iteration + 1), steps, (long)((settings.Dpo.Epochs * sides) + replayed), (long)sides, IsExact: false);
        }
    }

    private static TrainedTokens Supervised(string model, SftMixture mixture, RunSettings settings)
    {
        var steps = SftRecipe.Steps(settings.Sft, model == ModelNames.Baseline);
        var tokens = Enumerable.Range(1, steps).Sum(step => mixture.Batch(step, settings.Sft.Batch).Sum(row => (long)mixture[row].Length));
        return new(model, steps, tokens, 0, IsExact: true);
    }
}
