using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;

namespace SelfRewarding.Control.Verify;

/// <summary>The judging seed that was made from ranked answers: every score, every verdict and the thinning, from the raw judgements.</summary>
public static class EftChecks
{
    /// <param name="report">Takes the findings.</param>
    /// <param name="run">The run whose seed it is.</param>
    /// <param name="built">What is recorded.</param>
    /// <param name="ranked">The seed's ranked answers.</param>
    /// <param name="settings">What the judgements were parsed by.</param>
    /// <returns>The judging examples that come of it; null where the judgements do not allow to say.</returns>
    public static IReadOnlyList<JudgedExample>? Check(VerifyReport report, string run, EftBuilt built, IReadOnlyList<RankedPrompt> ranked, JudgeSettings settings)
    {
        var subject = $"judging seed of run {run}";
        var before = report.Differences;
        report.Same("ranked prompts have a verdict each", subject, built.Verdicts.Select(verdict => verdict.Prompt), ranked.Select(prompt => prompt.Prompt));
        foreach (var (index, (verdict, prompt)) in built.Verdicts.Zip(ranked).Index())
        {
            report.Same(
                "ranked answers have a judgement each", Place(index), verdict.Judgements.Select(judgement => judgement.Candidate), Enumerable.Range(0, prompt.Answers.Count));
        }

        // Without one judgement for each answer there is nothing to decide.
        if (report.Differences > before)
            return null;
        var verdicts = new List<EftVerdict>();
        foreach (var (index, (verdict, prompt)) in built.Verdicts.Zip(ranked).Index())
        {
            var judgements = verdict.Judgements.Select(judgement => PromptChecks.Reparsed(report, Place(index), judgement, settings)).ToList();
            verdicts.Add(EftSelection.Verdict(prompt, judgements));
            report.Same("verdicts on ranked prompts follow from the scores", Place(index), Decision(verdict), Decision(verdicts[^1]));
        }

        report.Same("the judging seed is thinned as it must be", subject, Figures(built), Figures(EftSelection.Built(run, built.Judge, verdicts, ranked)));
        return [.. EftSelection.Kept(verdicts, ranked).Select(made => made.Example)];

        string Place(int index) => $"ranked prompt {run}/ranked/{index}";
    }

    private static object Decision(EftVerdict verdict) => new { verdict.Answers, verdict.Accepted, verdict.Reason };

    private static object Figures(EftBuilt built) => new { built.Accepted, built.Thinned, built.HistogramBefore, built.HistogramAfter };
}
