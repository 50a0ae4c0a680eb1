using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.PromptGen;

namespace SelfRewarding.Control.Verify;

/// <summary>
/// What the filters said to each draft, decided again in the same order: by blocks, in a block by attempt and then by ordinal, each against the
/// prompts accepted before it.
/// </summary>
/// <param name="report">Takes the findings.</param>
/// <param name="pool">Seed and held-out prompts, and those accepted in earlier iterations.</param>
public sealed class FilterChecks(VerifyReport report, PromptPool pool)
{
    // Whether a draft was cut off by the token limit is not recorded but in its verdict, and what did not fit was never written.
    private const string Truncated = "truncated";
    private const string NoDraft = "examples_too_long";

    /// <summary>Checks a block that is whole.</summary>
    public void Check(string run, int iteration, int firstOrdinal, IReadOnlyList<PromptHistory> block)
    {
        var attempts = block.Max(history => RejectedOf(history).Count) + 1;
        for (var attempt = 0; attempt < attempts; attempt++)
        {
            for (var slot = 0; slot < block.Count; slot++)
            {
                var subject = $"draft {attempt} of prompt {run}/{iteration}/{firstOrdinal + slot}";
                var rejected = RejectedOf(block[slot]);
                if (attempt < rejected.Count)
                    CheckRejected(subject, rejected[attempt]);
                else if (attempt == rejected.Count && block[slot].Generated is { } generated)
                    CheckAccepted(subject, generated.Prompt);
            }
        }
    }

    private void CheckRejected(string subject, RejectedDraft draft)
    {
        if (draft.Reason == NoDraft)
            return;
        var verdict = pool.Check(draft.Text, draft.Reason == Truncated ? Finish.Length : Finish.Stop);
        report.Same("refused drafts are refused", $"{subject} ({draft.Text})", new Verdict(draft.Reason, draft.Figure, draft.Nearest), verdict);
    }

    private void CheckAccepted(string subject, string prompt)
    {
        report.Same("accepted prompts pass the filters", $"{subject} ({prompt})", null, pool.Check(prompt, Finish.Stop));
        pool.Accept(prompt);
    }

    private static IReadOnlyList<RejectedDraft> RejectedOf(PromptHistory history) =>
        history.Generated?.Rejected ?? (history.Outcome as PromptDiscarded)?.Rejected ?? [];
}
