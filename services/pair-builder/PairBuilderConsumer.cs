using MassTransit;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.PairBuilder;

/// <summary>Stage 4: settles a judged prompt as a preference pair, or discards it with a reason; either with the pair of judgements that was made of it.</summary>
public sealed class PairBuilderConsumer(RunLog log, RunCatalog runs) : IConsumer<CandidatesJudged>
{
    public async Task Consume(ConsumeContext<CandidatesJudged> context)
    {
        var (run, iteration, ordinal) = (context.Message.Run, context.Message.Iteration, context.Message.Ordinal);
        var history = await log.ReadPromptAsync(run, iteration, ordinal, context.CancellationToken);
        if (history is not { Generated: { } generated, Sampled: { } sampled, Judged: { } judged })
            throw new InvalidOperationException($"Prompt {iteration}-{ordinal} of run '{run}' is not judged in the log, though a message says so.");
        PromptTelemetry.Taken(run, iteration, ordinal, history);
        var outcome = history.Outcome;
        if (outcome is null)
        {
            var settings = await runs.SettingsOfAsync(run, context.CancellationToken);
            outcome = await log.AppendStageAsync(
                run, iteration, ordinal, PromptStage.Settled, Settle(generated, sampled, judged, settings), context.CancellationToken);
            PairTelemetry.Count(outcome);
        }

        await context.PublishFactAsync(outcome, context.CancellationToken);
    }

    /// <summary>The decision, from what is recorded alone.</summary>
    public static object Settle(PromptGenerated generated, CandidatesSampled sampled, CandidatesJudged judged, RunSettings settings)
    {
        var choice = PairSelection.Choose(sampled.Candidates, judged.Judgements, settings.Pairs.In(generated.Iteration), settings.Judge);
        var judging = judged.Meta is { } comparisons && settings.Judge.IsMetaJudged(generated.Iteration)
            ? JudgingSelection.Choose(generated.Prompt, sampled.Candidates, judged.Judgements, comparisons, settings.Judge)
            : null;
        if (MessageLimit.Refuses(Outcome(judging)) is not { } excess)
            return Outcome(judging);
        // The texts of the judgements go first: the pair of answers is what the run is for.
        var withoutTexts = judging is { Pair: not null } ? judging with { Pair = null, Reason = NoJudgingPair.TooLarge, Detail = excess } : judging;
        return MessageLimit.Refuses(Outcome(withoutTexts)) is { } still ? Discarded(DiscardReason.PairTooLarge, still, withoutTexts) : Outcome(withoutTexts);

        object Outcome(JudgingOutcome? judging) => choice.Pair is { } pair
            ? new PreferencePairBuilt(generated.Run, generated.Iteration, generated.Ordinal, generated.Prompt, pair.Chosen, pair.Rejected, choice.Scores, judging)
            : Discarded(choice.Discard!.Value, choice.Detail, judging);

        PromptDiscarded Discarded(DiscardReason reason, string detail, JudgingOutcome? judging) =>
            new(generated.Run, generated.Iteration, generated.Ordinal, reason, detail, choice.Scores, [], Judging: judging);
    }
}
