using MassTransit;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Model;

namespace SelfRewarding.Sampler;

/// <summary>Stage 2: the iteration's model, or a server in its place, writes N answers to a prompt.</summary>
public sealed class SamplerConsumer(RunLog log, RunCatalog runs, TextEngines engines, WorkInHand inHand) : IConsumer<PromptGenerated>
{
    public async Task Consume(ConsumeContext<PromptGenerated> context)
    {
        var prompt = context.Message;
        var history = await log.ReadPromptAsync(prompt.Run, prompt.Iteration, prompt.Ordinal, context.CancellationToken);
        PromptTelemetry.Taken(prompt.Run, prompt.Iteration, prompt.Ordinal, history);
        var fact = history.Sampled ?? history.Outcome;
        // Until what comes of it is on the bus.
        await using var held = fact is null ? await inHand.TakeAsync(prompt.Run, prompt.Iteration, prompt.Ordinal, context.CancellationToken) : null;
        if (fact is null)
        {
            fact = await log.AppendStageAsync(
                prompt.Run, prompt.Iteration, prompt.Ordinal, PromptStage.Sampled, await SampleAsync(prompt, context.CancellationToken), context.CancellationToken);
            SamplerTelemetry.Count(fact);
        }

        await context.PublishFactAsync(fact, context.CancellationToken);
    }

    private async Task<object> SampleAsync(PromptGenerated prompt, CancellationToken cancellationToken)
    {
        var settings = await runs.SettingsOfAsync(prompt.Run, cancellationToken);
        var keys = Enumerable.Range(0, settings.Candidates.Count)
            .Select(candidate => DrawKey.For(settings.Seed, DrawPurpose.Candidate, prompt.Iteration, prompt.Ordinal, candidate)).ToList();
        try
        {
            // A chat server lays a message out by its own model's template.
            var text = settings.Engines.Candidates.Url is null ? new PromptFormat(settings.Format).Answer(prompt.Prompt) : prompt.Prompt;
            var answers = await engines.Candidates(settings).GenerateAsync(RunModel.Of(prompt.Model, settings), text, keys, settings.Candidates.Sampling, cancellationToken);
            var sampled = new CandidatesSampled(prompt.Run, prompt.Iteration, prompt.Ordinal, prompt.Model,
                [.. answers.Select((answer, index) => new Candidate(index, answer.Text, answer.Tokens, answer.Finish, answer.LogProb))],
                ServedBy.Sum(answers.Select(answer => answer.Server)));
            return MessageLimit.Refuses(sampled) is { } excess ? Discarded(DiscardReason.AnswersTooLarge, excess) : sampled;
        }
        catch (ContextLengthException e)
        {
            return Discarded(DiscardReason.TooLong, e.Message);
        }

        PromptDiscarded Discarded(DiscardReason reason, string detail) => new(prompt.Run, prompt.Iteration, prompt.Ordinal, reason, detail, [], []);
    }
}
