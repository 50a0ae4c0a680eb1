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
        return Thin(Accepted((EftBuilt)built, ranked));
    }

    private async Task<EftBuilt> JudgeAsync(
        string run, ModelRef baseline, IReadOnlyList<RankedPrompt> ranked, RunSettings settings, CancellationToken cancellationToken)
    {
        var verdicts = await Task.WhenAll(ranked.Select(async (prompt, p) =>
        {
            var judgements = await Task.WhenAll(prompt.Answers.Select((answer, a) => judge.JudgeAsync(
                baseline, prompt.Prompt, answer.Text, a, settings, [DrawKey.For(settings.Seed, DrawPurpose.EftJudgement, p, a)], cancellationToken)));
            return Verdict(prompt, [.. judgements.SelectMany(list => list)]);
        }));
        var draft = new EftBuilt(run, baseline, 0, 0, new Dictionary<string, int>(), new Dictionary<string, int>(), verdicts);
        var accepted = Accepted(draft, ranked);
        var kept = Thin(accepted);
        return draft with { Accepted = kept.Count, Thinned = accepted.Count - kept.Count, HistogramBefore = Histogram(accepted), HistogramAfter = Histogram(kept) };
    }

    /// <summary>Whether a prompt's judgements agree with its ranking: every one parsed, no pair the wrong way round, the best above the worst.</summary>
    public static EftVerdict Verdict(RankedPrompt prompt, IReadOnlyList<Judgement> judgements)
    {
        var scores = judgements.ToDictionary(judgement => judgement.Candidate, judgement => judgement.Score);
        var unparsable = judgements.Count(judgement => judgement.Score is null);
        if (unparsable > 0)
            return new EftVerdict(prompt.Prompt, prompt.Answers.Count, false, $"{unparsable} of {judgements.Count} judgements unparsable", judgements);
        var ordered = prompt.Answers.Select((answer, index) => (answer.Rank, Score: scores[index]!.Value)).OrderBy(item => item.Rank).ToList();
        var inversions = ordered.SelectMany((better, i) => ordered.Skip(i + 1).Where(worse => worse.Rank > better.Rank && worse.Score > better.Score)).Count();
        if (inversions > 0)
            return new EftVerdict(prompt.Prompt, prompt.Answers.Count, false, $"{inversions} pairs of answers scored against their ranking", judgements);
        return ordered[0].Score > ordered[^1].Score
            ? new EftVerdict(prompt.Prompt, prompt.Answers.Count, true, "the scores agree with the ranking", judgements)
            : new EftVerdict(prompt.Prompt, prompt.Answers.Count, false, "the best and the worst answer were scored alike", judgements);
    }

    private static List<JudgedExample> Accepted(EftBuilt built, IReadOnlyList<RankedPrompt> ranked) =>
        [.. built.Verdicts.Zip(ranked).Where(pair => pair.First.Accepted).SelectMany(pair => pair.First.Judgements.Select(judgement =>
            new JudgedExample(pair.Second.Prompt, pair.Second.Answers[judgement.Candidate].Text, judgement.Raw, (int)Math.Round(judgement.Score!.Value, MidpointRounding.AwayFromZero))))];

    // The most common score may be no more than twice as common as the next: the first ones stay.
    private static List<JudgedExample> Thin(IReadOnlyList<JudgedExample> examples)
    {
        var counts = examples.GroupBy(example => example.Score).Select(group => (Score: group.Key, Count: group.Count())).OrderByDescending(group => group.Count).ToList();
        if (counts.Count < 2 || counts[0].Count <= 2 * counts[1].Count)
            return [.. examples];
        var left = 2 * counts[1].Count;
        return [.. examples.Where(example => example.Score != counts[0].Score || left-- > 0)];
    }

    private static Dictionary<string, int> Histogram(IReadOnlyList<JudgedExample> examples) =>
        examples.GroupBy(example => example.Score).OrderBy(group => group.Key)
            .ToDictionary(group => group.Key.ToString(System.Globalization.CultureInfo.InvariantCulture), group => group.Count());
}
