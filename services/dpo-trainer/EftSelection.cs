using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;

namespace SelfRewarding.DpoTrainer;

/// <summary>A judging example that was made from a ranked answer.</summary>
/// <param name="Ranked">The ranked prompt's number in the seed, from 0.</param>
/// <param name="Answer">The answer's number in that.</param>
public sealed record MadeExample(JudgedExample Example, int Ranked, int Answer);

/// <summary>Which judgements of ranked answers become judging examples: what was judged decides, and nothing else.</summary>
public static class EftSelection
{
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

    /// <summary>The fact that records the verdicts, with what comes of them.</summary>
    public static EftBuilt Built(string run, ModelRef judge, IReadOnlyList<EftVerdict> verdicts, IReadOnlyList<RankedPrompt> ranked)
    {
        var (accepted, kept) = (Accepted(verdicts, ranked), Kept(verdicts, ranked));
        return new EftBuilt(run, judge, kept.Count, accepted.Count - kept.Count, Histogram(accepted), Histogram(kept), verdicts);
    }

    /// <summary>
    /// The examples of the accepted verdicts, in order, thinned: the most common score may be no more than twice as common as the next, and the
    /// first ones stay.
    /// </summary>
    public static IReadOnlyList<MadeExample> Kept(IReadOnlyList<EftVerdict> verdicts, IReadOnlyList<RankedPrompt> ranked)
    {
        var accepted = Accepted(verdicts, ranked);
        var counts = accepted.GroupBy(made => made.Example.Score).Select(group => (Score: group.Key, Count: group.Count())).OrderByDescending(group => group.Count).ToList();
        if (counts.Count < 2 || counts[0].Count <= 2 * counts[1].Count)
            return accepted;
        var left = 2 * counts[1].Count;
        return [.. accepted.Where(made => made.Example.Score != counts[0].Score || left-- > 0)];
    }

    private static List<MadeExample> Accepted(IReadOnlyList<EftVerdict> verdicts, IReadOnlyList<RankedPrompt> ranked) =>
        [.. verdicts.Zip(ranked).Index().Where(entry => entry.Item.First.Accepted).SelectMany(entry => entry.Item.First.Judgements.Select(judgement => new MadeExample(
            new JudgedExample(
                entry.Item.Second.Prompt, entry.Item.Second.Answers[judgement.Candidate].Text, judgement.Raw, (int)Math.Round(judgement.Score!.Value, MidpointRounding.AwayFromZero)),
            entry.Index, judgement.Candidate)))];

    private static Dictionary<string, int> Histogram(IReadOnlyList<MadeExample> examples) =>
        examples.GroupBy(made => made.Example.Score).OrderBy(group => group.Key)
            .ToDictionary(group => group.Key.ToString(CultureInfo.InvariantCulture), group => group.Count());
}
