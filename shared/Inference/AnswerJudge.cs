using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>The judgements of one answer.</summary>
/// <param name="Server">The server that judged; null where none did.</param>
public sealed record AnswerJudged(IReadOnlyList<Judgement> Judgements, ServedBy? Server);

/// <summary>LLM-as-a-judge: one answer, several judgements, every raw text kept.</summary>
/// <param name="generator">Who judges: the run's own model where nobody says otherwise.</param>
public sealed class AnswerJudge(ITextGenerator generator)
{
    /// <summary>Judges an answer once for each key.</summary>
    /// <param name="candidate">The number that the judgements bear, so that they are joined by key and never by position.</param>
    public async Task<AnswerJudged> JudgeAsync(
        ModelRef model, string prompt, string answer, int candidate, RunSettings settings, IReadOnlyList<ulong> keys, CancellationToken cancellationToken)
    {
        using var span = JudgingTelemetry.Start(model.Name, candidate);
        var judged = await AskAsync(model, prompt, answer, candidate, settings, keys, cancellationToken);
        JudgingTelemetry.Add(span, judged);
        return judged;
    }

    private async Task<AnswerJudged> AskAsync(
        ModelRef model, string prompt, string answer, int candidate, RunSettings settings, IReadOnlyList<ulong> keys, CancellationToken cancellationToken)
    {
        try
        {
            var text = new PromptFormat(settings.Format).Judge(prompt, answer);
            var replies = await generator.GenerateAsync(RunModel.Of(model, settings), text, keys, settings.Judge.Sampling, cancellationToken);
            var judgements = replies.Select((reply, index) =>
            {
                var (score, unparsable) = JudgeScore.Parse(reply.Text, reply.Finish, settings.Judge);
                return new Judgement(candidate, index, reply.Text, score, unparsable, reply.TokenCount, reply.Finish, reply.LogProb);
            });
            return new([.. judgements], ServedBy.Sum(replies.Select(reply => reply.Server)));
        }
        catch (ContextLengthException e)
        {
            // A judge prompt that does not fit is not cut and not replaced: there is no judgement, and that is said.
            return new([.. keys.Select((_, index) => new Judgement(candidate, index, "", null, e.Message, 0, Finish.Length, 0))], null);
        }
    }
}
