using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.PromptGen;

namespace SelfRewarding.Control.Verify;

/// <summary>
/// What the filters said to each draft, decided again in the same order: by blocks, in a block by attempt and then by ordinal, each against the
/// prompts accepted before it. And which examples an accepted draft was drawn from: a block's are chosen among the prompts of those before.
/// </summary>
/// <param name="report">Takes the findings.</param>
/// <param name="run">The run that drafted.</param>
/// <param name="iteration">Its iteration.</param>
/// <param name="settings">What it drafted by.</param>
/// <param name="seed">Seed and held-out prompts.</param>
/// <param name="accepted">The prompts accepted in earlier iterations.</param>
public sealed class FilterChecks(VerifyReport report, string run, int iteration, RunSettings settings, SeedData seed, IReadOnlyList<string> accepted)
{
    // Whether a draft was cut off, by the token limit or a server's filter, is not recorded but in its verdict, and what did not fit was never written.
    private const string Truncated = "truncated";
    private const string Filtered = "content_filter";
    private const string NoDraft = "examples_too_long";

    private readonly PromptPool _pool = PoolOf(settings, seed, accepted);
    private readonly List<string> _own = [.. accepted];
    private readonly List<PromptHistory> _block = [];
    private int _first;
    private int _withoutText;

    /// <summary>Takes the next prompt.</summary>
    public void Add(PromptHistory history)
    {
        _block.Add(history);
        if (_block.Count == PromptGenService.Block)
            Close();
    }

    /// <summary>Checks the block that is open, which may be smaller than the others, and says what could not be checked in all of them.</summary>
    public void End()
    {
        Close();
        if (_withoutText > 0)
            report.NotChecked($"the verdicts on {_withoutText} drafts of iteration {iteration}", "what was too large is not recorded");
    }

    private void Close()
    {
        // A block that is not whole yet was decided by nobody.
        if (_block.Count > 0 && _block.TrueForAll(history => history.Version > 0))
            CheckBlock();
        _own.AddRange(_block.Select(history => history.Generated?.Prompt).OfType<string>());
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
                    CheckAccepted(subject, generated, attempt);
            }
        }
    }

    private void CheckRejected(string subject, RejectedDraft draft)
    {
        if (draft.Reason == NoDraft)
            return;
        if (draft.Reason is DraftLimit.TooLarge or DraftLimit.TooLargeTogether)
        {
            var isTooLarge = draft.Reason == DraftLimit.TooLarge;
            report.Holds(
                "drafts without a text are too large", subject, draft is { Text: "", Nearest: null } && (draft.Figure > DraftLimit.MostBytes) == isTooLarge,
                $"{draft.Reason}, {draft.Figure} bytes: {draft.Text}{draft.Nearest}", $"{(isTooLarge ? "more than" : "at most")} {DraftLimit.MostBytes} bytes, and no text");
            _withoutText++;
            return;
        }

        var verdict = _pool.Check(draft.Text, draft.Reason switch { Truncated => Finish.Length, Filtered => Finish.ContentFilter, _ => Finish.Stop });
        report.Same("refused drafts are refused", $"{subject} ({draft.Text})", new Verdict(draft.Reason, draft.Figure, draft.Nearest), verdict);
    }

    private void CheckAccepted(string subject, PromptGenerated generated, int attempt)
    {
        var (place, prompts) = ($"{subject} ({generated.Prompt})", settings.Prompts);
        report.Same("accepted prompts pass the filters", place, null, _pool.Check(generated.Prompt, Finish.Stop));
        report.Same(
            "examples shown for drafting follow from seed", place, generated.Examples,
            ShotSelection.Choose(seed.SeedPrompts, _own, prompts.SeedShots, prompts.OwnShots, DrawKey.For(settings.Seed, DrawPurpose.Shots, iteration, generated.Ordinal, attempt)));
        _pool.Accept(generated.Prompt);
    }

    private static PromptPool PoolOf(RunSettings settings, SeedData seed, IReadOnlyList<string> accepted)
    {
        var pool = new PromptPool(settings.Prompts.Filters, seed.SeedPrompts, heldOut: [.. seed.HeldOutPrompts.Select(prompt => prompt.Prompt), .. seed.HeldOutRanked.Select(prompt => prompt.Prompt)]);
        foreach (var prompt in accepted)
            pool.Accept(prompt);
        return pool;
    }

    private static IReadOnlyList<RejectedDraft> RejectedOf(PromptHistory history) =>
        history.Generated?.Rejected ?? (history.Outcome as PromptDiscarded)?.Rejected ?? [];
}
