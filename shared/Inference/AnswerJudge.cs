using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>LLM-as-a-judge: one answer, several judgements, every raw text kept.</summary>
public sealed class AnswerJudge(ITextGenerator generator)
{
    /// <summary>Judges an answer once for each key.</summary>
    /// <param name="candidate">The number that the judgements bear, so that they are joined by key and never by position.</param>
    public async Task<IReadOnlyList<Judgement>> JudgeAsync(
        ModelRef model, string prompt, string answer, int candidate, RunSettings settings, IReadOnlyList<ulong> keys, CancellationToken cancellationToken)
    {
        using var span = JudgingTelemetry.Start(model.Name, candidate);
        var judgements = await AskAsync(model, prompt, answer, candidate, settings, keys, cancellationToken);
        JudgingTelemetry.Add(span, judgements);
        return judgements;
    }

    private async Task<IReadOnlyList<Judgement>> AskAsync(
        ModelRef model, string prompt, string answer, int candidate, RunSettings settings, IReadOnlyList<ulong> keys, CancellationToken cancellationToken)
    {
        try
        {
            var text = new PromptFormat(settings.Format).Judge(prompt, answer);
            var replies = await generator.GenerateAsync(model, text, keys, settings.Judge.Sampling, cancellationToken);
            return [.. replies.Select((reply, index) =>
            {
                var (score, unparsable) = JudgeScore.Parse(reply.Text, reply.Finish, settings.Judge);
                return new Judgement(candidate, index, reply.Text, score, unparsable, reply.Tokens.Count, reply.Finish, reply.LogProb);
            })];
        }
        catch (ContextLengthException e)
        {
            // A judge prompt that does not fit is not cut and not replaced: there is no judgement, and that is said.
            return [.. keys.Select((_, index) => new Judgement(candidate, index, "", null, e.Message, 0, Finish.Length, 0))];
        }
    }
}
