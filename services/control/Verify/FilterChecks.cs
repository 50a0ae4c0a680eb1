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
/// <param name="run">The run that drafted.</param>
/// <param name="iteration">Its iteration.</param>
public sealed class FilterChecks(VerifyReport report, PromptPool pool, string run, int iteration)
{
    // Whether a draft was cut off by the token limit is not recorded but in its verdict, and what did not fit was never written.
    private const string Truncated = "truncated";
    private const string NoDraft = "examples_too_long";

    private readonly List<PromptHistory> _block = [];
    private int _first;

    /// <summary>Takes the next prompt.</summary>
    public void Add(PromptHistory history)
    {
        _block.Add(history);
        if (_block.Count == PromptGenService.Block)
            Close();
    }

    /// <summary>Checks the block that is open, which may be smaller than the others.</summary>
    public void Close()
    {
        // A block that is not whole yet was decided by nobody.
        if (_block.Count > 0 && _block.TrueForAll(history => history.Version > 0))
            CheckBlock();
        _first += _block.Count;
        _block.Clear();
    }

    private void CheckBlock()
    {
        var attempts = _block.Max(history => RejectedOf(history).Count) + 1;
        for (var attempt = 0; attempt < attempts; attempt++)
        {
            foreach (var (slot, history) in _block.Index())
            {
                var subject = $"draft {attempt} of prompt {run}/{iteration}/{_first + slot}";
                var rejected = RejectedOf(history);
                if (attempt < rejected.Count)
                    CheckRejected(subject, rejected[attempt]);
                else if (attempt == rejected.Count && history.Generated is { } generated)
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
