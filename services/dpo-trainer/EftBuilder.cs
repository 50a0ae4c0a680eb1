using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// Makes judging examples out of ranked answers: the SFT baseline judges every answer, and a prompt's judgements are kept where the order of
/// their scores agrees with the ranking. Then some examples with the most common score are left out, so that scores are not skewed.
/// </summary>
public sealed class EftBuilder(RunLog runLog, FactLog log, AnswerJudge judge)
{
    /// <summary>The judging examples of a run: those of its seed, or built from the seed's ranked answers.</summary>
    public async Task<IReadOnlyList<JudgedExample>> JudgedAsync(string run, SeedData seed, ModelRef baseline, RunSettings settings, CancellationToken cancellationToken) =>
        seed.EftRanked.Count > 0 ? await BuildAsync(run, baseline, seed.EftRanked, settings, cancellationToken) : seed.EftJudged;

    // Built once, and recorded with every raw judgement and verdict.
    private async Task<IReadOnlyList<JudgedExample>> BuildAsync(
        string run, ModelRef baseline, IReadOnlyList<RankedPrompt> ranked, RunSettings settings, CancellationToken cancellationToken)
    {
        var stream = await runLog.EftStreamAsync(run, cancellationToken);
        var built = await log.FindAsync(stream, 1, cancellationToken)
            ?? await log.AppendOnceAsync(stream, 1, await JudgeAsync(run, baseline, ranked, settings, cancellationToken), cancellationToken);
        return [.. EftSelection.Kept(((EftBuilt)built).Verdicts, ranked).Select(made => made.Example)];
    }

    private async Task<EftBuilt> JudgeAsync(
        string run, ModelRef baseline, IReadOnlyList<RankedPrompt> ranked, RunSettings settings, CancellationToken cancellationToken)
    {
        var verdicts = await Task.WhenAll(ranked.Select(async (prompt, p) =>
        {
            var judgements = await Task.WhenAll(prompt.Answers.Select((answer, a) => judge.JudgeAsync(
                baseline, prompt.Prompt, answer.Text, a, settings, [DrawKey.For(settings.Seed, DrawPurpose.EftJudgement, p, a)], cancellationToken)));
            return EftSelection.Verdict(prompt, [.. judgements.SelectMany(judged => judged.Judgements)]);
        }));
        return EftSelection.Built(run, baseline, verdicts, ranked);
    }
}
