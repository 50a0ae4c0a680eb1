using MassTransit;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Model;

namespace SelfRewarding.Evaluator;

/// <summary>
/// Measures each published model on data that no training saw, in three recorded steps: what it answered, how it judged, and the figures,
/// which anybody can compute again from the first two.
/// </summary>
public sealed class EvaluatorService(
    JobQueue<EvaluateRun> jobs, NpgsqlDataSource database, HostFailure failure, ILogger<EvaluatorService> logger,
    RunLog runLog, FactLog log, RunCatalog runs, RunData data, ITextGenerator generator, AnswerJudge judge, IBus bus, Recovery recovery)
    : JobService<EvaluateRun>(jobs, database, failure, recovery, logger)
{
    protected override string LockOf(EvaluateRun job) => $"evaluation-{job.Run}";

    protected override string RunOf(EvaluateRun job) => job.Run;

    protected override async Task DoAsync(EvaluateRun job, CancellationToken cancellationToken)
    {
        // In the order of publication, since a model is compared with those before it.
        var settings = await runs.SettingsOfAsync(job.Run, cancellationToken);
        foreach (var recorded in await runLog.ReadRecordedRunAsync(job.Run, cancellationToken))
        {
            if (recorded.Fact is not ModelPublished published)
                continue;
            var stream = await runLog.EvaluationStreamAsync(job.Run, published.Model.Name, cancellationToken);
            if (await log.FindAsync(stream, EvaluationStage.Evaluated, cancellationToken) is not null)
                continue;
            using var span = EvaluationTelemetry.Begin(recorded, Cause);
            try
            {
                var evaluated = await EvaluateAsync(stream, published.Model, settings, job.Run, cancellationToken);
                EvaluationTelemetry.Record(span, evaluated);
                await bus.PublishFactAsync(evaluated, cancellationToken);
            }
            catch (Exception e)
            {
                span.Fail(e);
                throw;
            }
        }
    }

    private async Task<object> EvaluateAsync(string stream, ModelRef model, RunSettings settings, string run, CancellationToken cancellationToken)
    {
        var seed = await data.OfAsync(run, cancellationToken);
        var answered = (HeldOutAnswered)(await log.FindAsync(stream, EvaluationStage.Answered, cancellationToken)
            ?? await log.AppendOnceAsync(stream, EvaluationStage.Answered, await AnswerAsync(run, model, seed, settings, cancellationToken), cancellationToken));

        var opponents = new List<HeldOutAnswered>();
        foreach (var name in Opponents(model.Name))
        {
            if (await log.FindAsync(await runLog.EvaluationStreamAsync(run, name, cancellationToken), EvaluationStage.Answered, cancellationToken) is HeldOutAnswered opponent)
                opponents.Add(opponent);
        }

        var judged = (HeldOutJudged)(await log.FindAsync(stream, EvaluationStage.Judged, cancellationToken)
            ?? await log.AppendOnceAsync(stream, EvaluationStage.Judged, await JudgeAsync(run, answered, opponents, seed, settings, cancellationToken), cancellationToken));

        var before = Opponents(model.Name) is [var previous, ..]
            ? await log.FindAsync(await runLog.EvaluationStreamAsync(run, previous, cancellationToken), EvaluationStage.Judged, cancellationToken) as HeldOutJudged
            : null;
        return await log.AppendOnceAsync(stream, EvaluationStage.Evaluated, ModelReport.Of(answered, judged, opponents, before, seed), cancellationToken);
    }

    /// <summary>The model before first, then the baseline: whom a model is compared with.</summary>
    public static IReadOnlyList<string> Opponents(string model) => ModelNames.Iteration(model) switch
    {
        null when model == ModelNames.Base => [],
        null => [ModelNames.Base],
        1 => [ModelNames.Baseline],
        { } n => [ModelNames.OfIteration(n - 1), ModelNames.Baseline],
    };

    private async Task<HeldOutAnswered> AnswerAsync(string run, ModelRef model, SeedData seed, RunSettings settings, CancellationToken cancellationToken)
    {
        var format = new PromptFormat(settings.Format);
        var sampling = settings.Evaluation.Sampling;
        var greedy = sampling with { Temperature = 0 };
        var prompts = seed.HeldOutPrompts.Take(settings.Evaluation.Prompts);
        var computed = RunModel.Of(model, settings);
        var answers = await Task.WhenAll(prompts.Select(async (prompt, index) =>
        {
            var text = format.Answer(prompt.Prompt);
            var key = DrawKey.For(settings.Seed, DrawPurpose.Evaluation, index);
            return new HeldOutAnswer(index, prompt.Prompt, await OneAsync(computed, text, key, greedy, cancellationToken), await OneAsync(computed, text, key, sampling, cancellationToken));
        }));
        return new HeldOutAnswered(run, model, answers);
    }

    private async Task<string> OneAsync(RunModel model, string text, ulong key, SamplingSettings sampling, CancellationToken cancellationToken)
    {
        try
        {
            return (await generator.GenerateAsync(model, text, [key], sampling, cancellationToken))[0].Text;
        }
        catch (ContextLengthException)
        {
            return ""; // no answer: counted as wrong, like any other empty answer
        }
    }

    private async Task<HeldOutJudged> JudgeAsync(
        string run, HeldOutAnswered answered, List<HeldOutAnswered> opponents, SeedData seed, RunSettings settings, CancellationToken cancellationToken)
    {
        var model = answered.Model;
        IReadOnlyList<ulong> Keys(int prompt, int answer) =>
            [.. Enumerable.Range(0, settings.Evaluation.Judgements).Select(index => DrawKey.For(settings.Seed, DrawPurpose.EvaluationJudgement, prompt, answer, index))];

        var ranked = seed.HeldOutRanked.Take(settings.Evaluation.Ranked)
            .SelectMany((prompt, p) => prompt.Answers.Select((answer, a) => (prompt.Prompt, p, answer, a)));
        var judgements = await Task.WhenAll(ranked.Select(async item => new HeldOutJudgement(
            item.p, item.a, item.answer.Rank,
            (await judge.JudgeAsync(model, item.Prompt, item.answer.Text, item.a, settings, Keys(item.p, item.a), cancellationToken)).Judgements)));

        // Where the right answer is known there is no need of an opinion.
        var contestants = seed.HeldOutPrompts.Any(prompt => prompt.Reference is not null) || opponents.Count == 0 ? [] : opponents.Prepend(answered);
        var answers = await Task.WhenAll(contestants.SelectMany(by => by.Answers.Select(async answer => new HeldOutAnswerJudgement(
            by.Model.Name, answer.Index,
            (await judge.JudgeAsync(model, answer.Prompt, answer.Sampled, 0, settings, Keys(-1 - answer.Index, 0), cancellationToken)).Judgements))));
        return new HeldOutJudged(run, model, judgements, answers);
    }
}
