using MassTransit;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.Judge;

/// <summary>Stage 3: the iteration's model, or a server in its place, judges each answer J times, and compares judgements where the settings ask for it.</summary>
public sealed class JudgeConsumer(RunLog log, RunCatalog runs, TextEngines engines, WorkInHand inHand) : IConsumer<CandidatesSampled>
{
    public async Task Consume(ConsumeContext<CandidatesSampled> context)
    {
        var (run, iteration, ordinal) = (context.Message.Run, context.Message.Iteration, context.Message.Ordinal);
        var history = await log.ReadPromptAsync(run, iteration, ordinal, context.CancellationToken);
        if (history is not { Generated: { } generated, Sampled: { } sampled })
            throw new InvalidOperationException($"Prompt {iteration}-{ordinal} of run '{run}' has no candidates in the log, though a message says so.");
        PromptTelemetry.Taken(run, iteration, ordinal, history);
        var fact = history.Judged ?? history.Outcome;
        // Until what comes of it is on the bus.
        await using var held = fact is null ? await inHand.TakeAsync(run, iteration, ordinal, context.CancellationToken) : null;
        if (fact is null)
        {
            fact = await log.AppendStageAsync(
                run, iteration, ordinal, PromptStage.Judged, await JudgeAsync(generated, sampled, context.CancellationToken), context.CancellationToken);
            JudgeTelemetry.Count(fact);
        }

        await context.PublishFactAsync(fact, context.CancellationToken);
    }

    private async Task<object> JudgeAsync(PromptGenerated generated, CandidatesSampled sampled, CancellationToken cancellationToken)
    {
        var settings = await runs.SettingsOfAsync(sampled.Run, cancellationToken);
        var generator = engines.Judgements(settings);
        var judge = new AnswerJudge(generator);
        var judged = await Task.WhenAll(sampled.Candidates.Select(candidate => judge.JudgeAsync(
            sampled.Model, generated.Prompt, candidate.Text, candidate.Index, settings,
            Enumerable.Range(0, settings.Judge.Count)
                .Select(index => DrawKey.For(settings.Seed, DrawPurpose.Judgement, sampled.Iteration, sampled.Ordinal, candidate.Index, index)).ToList(),
            cancellationToken)));
        IReadOnlyList<Judgement> judgements = [.. judged.SelectMany(answer => answer.Judgements)];
        var compared = settings.Judge.IsMetaJudged(sampled.Iteration) ? await CompareAsync(new MetaJudge(generator), generated, sampled, judgements, settings, cancellationToken) : null;
        var fact = new CandidatesJudged(
            sampled.Run, sampled.Iteration, sampled.Ordinal, sampled.Model, judgements,
            ServedBy.Sum([.. judged.Select(answer => answer.Server), .. compared?.Select(comparison => comparison.Server) ?? []]),
            compared is null ? null : [.. compared.Select(comparison => comparison.Comparison)]);
        return MessageLimit.Refuses(fact) is { } excess
            ? new PromptDiscarded(sampled.Run, sampled.Iteration, sampled.Ordinal, DiscardReason.JudgementsTooLarge, excess, [], [])
            : fact;
    }

    private static async Task<IReadOnlyList<JudgementsCompared>> CompareAsync(
        MetaJudge judge, PromptGenerated generated, CandidatesSampled sampled, IReadOnlyList<Judgement> judgements, RunSettings settings, CancellationToken cancellationToken)
    {
        var compared = MetaSelection.Compared(judgements);
        return compared.Count == 0 ? [] : await judge.CompareAsync(
            sampled.Model, generated.Prompt, sampled.Candidates.Single(answer => answer.Index == compared[0].Candidate), settings,
            [.. MetaSelection.Questions(compared).Select(pair => (pair.First, pair.Second, MetaSelection.Key(settings, sampled.Iteration, sampled.Ordinal, pair.First.Index, pair.Second.Index)))],
            cancellationToken);
    }
}
