using SelfRewarding.Contracts;

namespace SelfRewarding.Evaluator;

/// <summary>Two answers to one prompt: the judge's (or oracle's) scores, null where there is none, and their lengths in characters.</summary>
public sealed record Contest(double? Mine, double? Theirs, int MyLength, int TheirLength);

/// <summary>
/// How well scores agree with a known ranking, with other scores, and between two models' answers. An answer's score is the mean of its
/// parsed judgements; an answer without a parsed one has no score.
/// </summary>
public static class RankingMetrics
{
    private const double FullScore = 5;

    private sealed record Scored(int Rank, double? Score);

    /// <summary>
    /// Agreement with the ranking, over prompts with at least two different ranks.
    /// <list type="bullet">
    /// <item>Pairwise accuracy, over all pairs of answers to one prompt with different ranks: in the right order 1; equal scores, or a score missing, one half.</item>
    /// <item>5-best: of the answers with their prompt's best rank, the share whose mean is 5; a missing score is none.</item>
    /// <item>Exact order: share of prompts whose pairs of different rank are all in the right order; equal or missing scores are not.</item>
    /// <item>Spearman's ρ (ranks averaged over ties) and Kendall's τ-b of each prompt, averaged over prompts. Answers without a score take no part;
    /// where all scores that are left are equal, or fewer than two are left, the prompt counts as 0.</item>
    /// <item>Unparsable rate: share of answers without a score. Tie rate: share of the pairs above whose two scores are equal.</item>
    /// </list>
    /// </summary>
    public static RewardModelling RewardModelling(IReadOnlyList<HeldOutJudgement> judgements)
    {
        var prompts = judgements.GroupBy(judgement => judgement.Prompt)
            .Select(group => group.Select(judgement => new Scored(judgement.Rank, Mean(judgement.Judgements))).ToList())
            .Where(answers => answers.Any(answer => answer.Rank != answers[0].Rank))
            .ToList();
        var pairs = prompts.SelectMany(RankedPairs).ToList();
        var best = prompts.SelectMany(answers => answers.Where(answer => answer.Rank == answers.Min(other => other.Rank))).ToList();
        var answers = prompts.Sum(prompt => prompt.Count);
        return new RewardModelling(
            prompts.Count, pairs.Count,
            PairwiseAccuracy: Average(pairs, pair => Credit(pair.Better.Score, pair.Worse.Score)),
            FiveBest: Average(best, answer => answer.Score == FullScore ? 1 : 0),
            ExactOrder: Average(prompts, prompt => RankedPairs(prompt).All(pair => pair.Better.Score > pair.Worse.Score) ? 1 : 0),
            Spearman: Average(prompts, prompt => Correlate(prompt, Correlation.Spearman)),
            Kendall: Average(prompts, prompt => Correlate(prompt, Correlation.KendallTauB)),
            UnparsableRate: answers == 0 ? 0 : (double)prompts.Sum(prompt => prompt.Count(answer => answer.Score is null)) / answers,
            TieRate: Average(pairs, pair => pair.Better.Score is { } score && score == pair.Worse.Score ? 1 : 0));
    }

    /// <summary>
    /// Mean of (τ-b + 1) / 2 between two judges' scores of the same answers, over prompts with at least two answers that both have scored;
    /// null without any. A judge that tells nothing apart agrees by one half, and fully with another such judge.
    /// </summary>
    public static double? JudgeAgreement(IReadOnlyList<HeldOutJudgement> current, IReadOnlyList<HeldOutJudgement> previous)
    {
        var before = previous.ToDictionary(judgement => (judgement.Prompt, judgement.Answer), judgement => Mean(judgement.Judgements));
        var prompts = current
            .Select(judgement => (judgement.Prompt, Now: Mean(judgement.Judgements), Then: before.GetValueOrDefault((judgement.Prompt, judgement.Answer))))
            .Where(answer => answer is { Now: not null, Then: not null })
            .GroupBy(answer => answer.Prompt, answer => (Now: answer.Now!.Value, Then: answer.Then!.Value))
            .Select(group => group.ToList())
            .Where(answers => answers.Count >= 2)
            .ToList();
        return prompts.Count == 0 ? null : prompts.Average(answers =>
        {
            var (now, then) = (answers.ConvertAll(answer => answer.Now), answers.ConvertAll(answer => answer.Then));
            var blind = now.All(score => score == now[0]) && then.All(score => score == then[0]);
            return blind ? 1 : ((Correlation.KendallTauB(now, then) ?? 0) + 1) / 2;
        });
    }

    /// <summary>
    /// Wins, ties and losses. A contest with a score missing is a tie: nobody has won it. The length-controlled rate is over the contests
    /// where neither answer is more than a tenth longer than the other, a tie counting half; null without any.
    /// </summary>
    public static HeadToHead HeadToHead(string against, IReadOnlyList<Contest> contests)
    {
        var credits = contests.Select(contest => Credit(contest.Mine, contest.Theirs)).ToList();
        var alike = contests.Where(contest => 10L * Math.Max(contest.MyLength, contest.TheirLength) <= 11L * Math.Min(contest.MyLength, contest.TheirLength)).ToList();
        return new HeadToHead(
            against, credits.Count(credit => credit == 1), credits.Count(credit => credit == 0.5), credits.Count(credit => credit == 0),
            alike.Count == 0 ? null : alike.Average(contest => Credit(contest.Mine, contest.Theirs)));
    }

    private static IEnumerable<(Scored Better, Scored Worse)> RankedPairs(List<Scored> answers) =>
        from better in answers from worse in answers where better.Rank < worse.Rank select (better, worse);

    private static double Credit(double? better, double? worse) => better > worse ? 1 : better < worse ? 0 : 0.5;

    private static double? Mean(IReadOnlyList<Judgement> judgements)
    {
        var parsed = judgements.Select(judgement => judgement.Score).OfType<double>().ToList();
        return parsed.Count == 0 ? null : (double)parsed.Sum(score => (decimal)score) / parsed.Count;
    }

    private static double Correlate(List<Scored> answers, Func<IReadOnlyList<double>, IReadOnlyList<double>, double?> correlation)
    {
        var scored = answers.Where(answer => answer.Score is not null).ToList();
        return correlation(scored.ConvertAll(answer => answer.Score!.Value), scored.ConvertAll(answer => (double)-answer.Rank)) ?? 0;
    }

    private static double Average<T>(List<T> items, Func<T, double> figure) => items.Count == 0 ? 0 : items.Average(figure);
}
