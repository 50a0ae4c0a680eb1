using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Judge;
using SelfRewarding.PairBuilder;

namespace SelfRewarding.Control.Verify;

/// <summary>One prompt's stages: what was parsed from each raw judgement, and what the judgements decide.</summary>
public static class PromptChecks
{
    /// <param name="report">Takes the findings.</param>
    /// <param name="subject">The prompt, as a person names it.</param>
    /// <param name="history">Its stages as far as they have come.</param>
    /// <param name="judging">The settings that its judgements were parsed by.</param>
    /// <param name="settling">The settings that it was settled by.</param>
    public static void Check(VerifyReport report, string subject, PromptHistory history, RunSettings judging, RunSettings settling)
    {
        if (history.Sampled is { } sampled)
        {
            report.Same("answers are there once each", subject, sampled.Candidates.Select(candidate => candidate.Index), Enumerable.Range(0, sampled.Candidates.Count));
        }

        foreach (var fact in new[] { history.Generated, history.Sampled, history.Judged, history.Outcome }.OfType<object>())
        {
            var excess = MessageLimit.Refuses(fact);
            report.Holds("every stage is small enough to be sent", subject, excess is null, excess ?? "", "a discard in its place");
        }

        if (history.Outcome is PromptDiscarded discarded)
            report.Same("discards stand at the stage that their reason names", $"{subject} ({discarded.Reason})", history.Version, PromptStage.Of(discarded.Reason));
        if (history is not { Generated: { } generated, Sampled: { } answers, Judged: { } judged })
            return;
        report.Same(
            "judgements are there once each", subject, judged.Judgements.Select(judgement => (judgement.Candidate, judgement.Index)).Order().Select(pair => $"{pair.Candidate}/{pair.Index}"),
            from candidate in Enumerable.Range(0, answers.Candidates.Count) from index in Enumerable.Range(0, judged.Judgements.Count / answers.Candidates.Count) select $"{candidate}/{index}");
        foreach (var judgement in judged.Judgements)
            Reparsed(report, subject, judgement, judging.Judge);
        if (judged.Meta is not null || judging.Judge.IsMetaJudged(judged.Iteration))
            CheckCompared(report, subject, answers, judged, judging);

        if (history.Outcome is { } outcome)
            report.Same("pairs and discards follow from the scores", subject, outcome, Settle(generated, answers, judged, settling));
    }

    /// <summary>Parses a judgement's raw text again.</summary>
    /// <returns>The judgement with what was parsed now.</returns>
    public static Judgement Reparsed(VerifyReport report, string subject, Judgement judgement, JudgeSettings settings)
    {
        if (!WasWritten(judgement))
            return judgement;
        var parsed = JudgeScore.Parse(judgement.Raw, judgement.Finish, settings);
        report.Same(
            "scores follow from the raw judgements", $"{subject}, judgement {judgement.Index} of answer {judgement.Candidate} ({judgement.Raw})",
            new { judgement.Score, judgement.Unparsable }, new { parsed.Score, parsed.Unparsable });
        return judgement with { Score = parsed.Score, Unparsable = parsed.Unparsable };
    }

    private static void CheckCompared(VerifyReport report, string subject, CandidatesSampled answers, CandidatesJudged judged, RunSettings judging)
    {
        // A fork that shares fewer answers or judgements than there were has fewer comparisons, too: which ones were asked for then is for its parent's verification.
        if (answers.Candidates.Count == judging.Candidates.Count && judged.Judgements.Count == answers.Candidates.Count * judging.Judge.Count)
        {
            report.Same(
                "judgements are compared where the scores differ most", subject, judged.Meta?.Select(pair => $"{pair.Candidate}: {pair.First}/{pair.Second}"),
                judging.Judge.IsMetaJudged(judged.Iteration) ? MetaSelection.Questions(MetaSelection.Compared(judged.Judgements)).Select(pair => $"{pair.First.Candidate}: {pair.First.Index}/{pair.Second.Index}") : null);
        }

        foreach (var comparison in judged.Meta ?? [])
        {
            if (comparison.Raw.Length == 0 && comparison.TokenCount == 0 && comparison.Winner is null)
                continue;
            var verdict = MetaVerdict.Parse(comparison.Raw, comparison.Finish);
            report.Same(
                "verdicts follow from the raw comparisons", $"{subject}, judgements {comparison.First} and {comparison.Second} of answer {comparison.Candidate} ({comparison.Raw})",
                new { comparison.Winner, comparison.Unparsable }, new { Winner = verdict.Of(comparison.First, comparison.Second), verdict.Unparsable });
        }
    }

    // What did not fit into the judge's context has no text: why is recorded instead.
    private static bool WasWritten(Judgement judgement) => judgement.Raw.Length > 0 || judgement.TokenCount > 0 || judgement.Score is not null;

    // A score outside the judge's range cannot be recorded by the pipeline: whatever is there instead is a difference, not a failure.
    private static object Settle(PromptGenerated generated, CandidatesSampled sampled, CandidatesJudged judged, RunSettings settings)
    {
        try
        {
            return PairBuilderConsumer.Settle(generated, sampled, judged, settings);
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }
}
