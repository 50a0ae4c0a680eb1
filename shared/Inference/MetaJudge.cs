using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>A comparison of two judgements.</summary>
/// <param name="Server">The server that compared; null where none did.</param>
public sealed record JudgementsCompared(MetaJudgement Comparison, ServedBy? Server);

/// <summary>LLM-as-a-meta-judge (Wu et al. 2024, arXiv 2407.19594): which of two judgements of one answer is better, every raw text kept.</summary>
/// <param name="generator">Who compares: whoever judged.</param>
public sealed class MetaJudge(ITextGenerator generator)
{
    /// <summary>Compares judgements of one answer, each of <paramref name="questions"/> in its order.</summary>
    /// <param name="questions">The judgement that is shown first, the second one, and the draw's key.</param>
    public async Task<IReadOnlyList<JudgementsCompared>> CompareAsync(
        ModelRef model, string prompt, Candidate answer, RunSettings settings, IReadOnlyList<(Judgement First, Judgement Second, ulong Key)> questions, CancellationToken cancellationToken)
    {
        using var span = JudgingTelemetry.StartMeta(model.Name, answer.Index);
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var comparisons = questions.Select(asked => AskAsync(model, prompt, answer, asked.First, asked.Second, settings, asked.Key, asking.Token)).ToList();
        await foreach (var ended in Task.WhenEach(comparisons))
        {
            if (ended.IsCompletedSuccessfully)
                continue;
            // The first failure ends the others, and is what is thrown: without one comparison the whole is of no use.
            await asking.CancelAsync();
            await Task.WhenAll((IEnumerable<Task>)comparisons).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ended;
        }

        IReadOnlyList<JudgementsCompared> compared = await Task.WhenAll(comparisons);
        JudgingTelemetry.Add(span, compared);
        return compared;
    }

    private async Task<JudgementsCompared> AskAsync(
        ModelRef model, string prompt, Candidate answer, Judgement first, Judgement second, RunSettings settings, ulong key, CancellationToken cancellationToken)
    {
        try
        {
            var text = new PromptFormat(settings.Format).MetaJudge(prompt, answer.Text, first.Raw, second.Raw);
            var reply = (await generator.GenerateAsync(RunModel.Of(model, settings), text, [key], settings.Judge.Sampling, cancellationToken))[0];
            var verdict = MetaVerdict.Parse(reply.Text, reply.Finish);
            return new(
                new MetaJudgement(
                    answer.Index, first.Index, second.Index, reply.Text, verdict.Of(first.Index, second.Index), verdict.Unparsable, reply.TokenCount, reply.Finish, reply.LogProb),
                reply.Server);
        }
        catch (ContextLengthException e)
        {
            // As a judgement that does not fit: nothing is cut, and it is said.
            return new(new MetaJudgement(answer.Index, first.Index, second.Index, "", null, e.Message, 0, Finish.Length, 0), null);
        }
    }
}
