using SelfRewarding.Contracts;
using SelfRewarding.Datasets;

namespace SelfRewarding.Evaluator;

/// <summary>The figures of one model, a pure function of what it answered and how it judged.</summary>
public static class ModelReport
{
    /// <summary>Computes every figure.</summary>
    /// <param name="opponents">The model before and the baseline.</param>
    /// <param name="before">How the model before judged the same answers.</param>
    public static ModelEvaluated Of(
        HeldOutAnswered answered, HeldOutJudged judged, IReadOnlyList<HeldOutAnswered> opponents, HeldOutJudged? before, SeedData seed)
    {
        var opinions = judged.Answers.ToLookup(answer => (answer.By, answer.Prompt), answer => answer.Judgements);
        var headToHead = opponents.Select(opponent => RankingMetrics.HeadToHead(
            opponent.Model.Name,
            [.. answered.Answers.Zip(opponent.Answers).Select(pair => new Contest(
                Score(pair.First, answered.Model.Name, opinions, seed), Score(pair.Second, opponent.Model.Name, opinions, seed),
                pair.First.Sampled.Length, pair.Second.Sampled.Length))]));
        return new ModelEvaluated(
            answered.Run, answered.Model, Following(answered, seed), [.. headToHead],
            judged.Judgements.Count == 0 ? null : RankingMetrics.RewardModelling(judged.Judgements),
            before is null ? null : RankingMetrics.JudgeAgreement(judged.Judgements, before.Judgements));
    }

    private static InstructionFollowing Following(HeldOutAnswered answered, SeedData seed)
    {
        var known = answered.Answers.Where(answer => seed.HeldOutPrompts[answer.Index].Reference is not null).ToList();
        double? Share(Func<HeldOutAnswer, string> text) =>
            known.Count == 0 ? null : (double)known.Count(answer => text(answer).Trim() == seed.HeldOutPrompts[answer.Index].Reference) / known.Count;
        return new InstructionFollowing(
            answered.Answers.Count, Share(answer => answer.Greedy), Share(answer => answer.Sampled),
            seed.Oracle is { } oracle && known.Count > 0 ? known.Average(answer => oracle(answer.Prompt, answer.Sampled)) : null,
            answered.Answers.Count == 0 ? 0 : answered.Answers.Average(answer => (double)answer.Sampled.Length));
    }

    // The oracle's score where there is an oracle, else an exact match, else the mean of this model's own judgements; null when none parsed.
    private static double? Score(HeldOutAnswer answer, string by, ILookup<(string By, int Prompt), IReadOnlyList<Judgement>> opinions, SeedData seed)
    {
        if (seed.Oracle is { } oracle)
            return oracle(answer.Prompt, answer.Sampled);
        if (seed.HeldOutPrompts[answer.Index].Reference is { } reference)
            return answer.Sampled.Trim() == reference ? 1 : 0;
        var scores = opinions[(by, answer.Index)].SelectMany(judgements => judgements).Select(judgement => judgement.Score).OfType<double>().ToList();
        return scores.Count == 0 ? null : scores.Average();
    }
}
