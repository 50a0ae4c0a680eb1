using SelfRewarding.Contracts;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// When training on pairs ends early, as a function of what is recorded. A checkpoint is compared with the one before, prompt by prompt, by the mean of each answer's parsed judgements: the higher mean wins, and
/// equal means or an answer without a parsed judgement make a tie. A tie is half a win for either, so a checkpoint wins where it has more wins than losses. Where it does not win, training ends and the checkpoint
/// before is published; where all win, the last one is. The first has none before it (the model that training starts from is no checkpoint of it), so what is published has been trained for one interval at least.
/// </summary>
public static class EarlyStoppingRule
{
    /// <summary>The steps whose checkpoints are compared: every so many, and the last. None where there would be but one.</summary>
    /// <param name="settings">How far apart.</param>
    /// <param name="steps">Steps of the whole training.</param>
    /// <param name="prompts">Prompts to compare on.</param>
    public static IEnumerable<int> Steps(EarlyStoppingSettings settings, int steps, int prompts) =>
        settings.Every == 0 || prompts == 0 || steps <= settings.Every ? [] : Enumerable.Range(1, (steps - 1) / settings.Every).Select(n => n * settings.Every).Append(steps);

    /// <summary>The comparison with the checkpoint before; what a checkpoint answered is given.</summary>
    /// <param name="answered">The newer one, its comparison still open.</param>
    /// <param name="before">The older one; null for the first.</param>
    public static CheckpointCompared Decide(CheckpointCompared answered, CheckpointCompared? before)
    {
        if (before is null)
            return answered with { Against = null, Wins = 0, Ties = 0, Losses = 0, Stops = false };
        var older = before.Answers.DistinctBy(answer => answer.Index).ToDictionary(answer => answer.Index, Mean);
        var results = answered.Answers.Select(answer => Compare(Mean(answer), older.GetValueOrDefault(answer.Index))).ToList();
        var (wins, losses) = (results.Count(result => result > 0), results.Count(result => result < 0));
        return answered with { Against = before.Step, Wins = wins, Ties = results.Count - wins - losses, Losses = losses, Stops = wins <= losses };
    }

    /// <summary>The checkpoint that is published, as far as the comparisons go; null without any.</summary>
    public static CheckpointCompared? Published(IReadOnlyList<CheckpointCompared> comparisons) => comparisons switch
    {
        [.., { Stops: true } last] => comparisons.LastOrDefault(compared => compared.Step == last.Against),
        [.., var last] => last,
        _ => null,
    };

    /// <summary>Whether what a step learnt was given up: it came after the checkpoint that is published.</summary>
    public static bool IsGivenUp(int step, IReadOnlyList<CheckpointCompared> comparisons) => comparisons is [.., { Stops: true } last] && step > last.Against;

    private static int Compare(double? newer, double? older) => newer > older ? 1 : newer < older ? -1 : 0;

    // In decimal, so that the mean of 0.1, 0.2 and 0.3 is that of 0.3, 0.2 and 0.1.
    private static double? Mean(ValidationAnswer answer)
    {
        var parsed = answer.Judgements.Select(judgement => judgement.Score).OfType<double>().ToList();
        return parsed.Count == 0 ? null : (double)parsed.Average(score => (decimal)score);
    }
}
