using System.Text;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.PromptGen;

/// <summary>
/// Which drafts are recorded without their texts. A prompt's refused drafts are in its fact, and a server may write more than any instruction has, or be asked a thousand
/// times: what no message can carry must not be recorded (<see cref="MessageLimit"/>). It follows from the drafts alone, so that they come to the same wherever they are decided.
/// </summary>
public static class DraftLimit
{
    /// <summary>The verdict on a draft whose text has more than <see cref="MostBytes"/>; the text is left out.</summary>
    public const string TooLarge = "too_large";

    /// <summary>The verdict on drafts that are, with what else the prompt's fact has, more than a message may have; their texts, and what filters said of them, are left out.</summary>
    public const string TooLargeTogether = "too_large_together";

    /// <summary>Bytes of a draft in UTF-8: far more than an instruction has, and so little that one alone always fits.</summary>
    public const int MostBytes = 1 << 20;

    /// <summary>The draft as it is recorded.</summary>
    public static RejectedDraft Refused(int attempt, string text, Verdict verdict) =>
        new(attempt, verdict.Reason == TooLarge ? "" : text, verdict.Reason, verdict.Figure, verdict.Nearest);

    /// <summary>An accepted draft's fact as it can be sent; null where no message can carry it even without the refused drafts' texts, so that the draft cannot be accepted.</summary>
    public static PromptGenerated? Fit(PromptGenerated fact)
    {
        if (MessageLimit.Refuses(fact) is null)
            return fact;
        var small = fact with { Rejected = WithoutTexts(fact.Rejected) };
        return MessageLimit.Refuses(small) is null ? small : null;
    }

    /// <summary>A discarded prompt's fact as it can be sent.</summary>
    public static PromptDiscarded Fit(PromptDiscarded fact) => MessageLimit.Refuses(fact) is null ? fact : fact with { Rejected = WithoutTexts(fact.Rejected) };

    /// <summary>Bytes of a text as they are counted here.</summary>
    public static int BytesOf(string text) => Encoding.UTF8.GetByteCount(text);

    // What has no text already has its reason.
    private static IReadOnlyList<RejectedDraft> WithoutTexts(IReadOnlyList<RejectedDraft> drafts) =>
        [.. drafts.Select(draft => draft.Text.Length == 0 ? draft : new RejectedDraft(draft.Attempt, "", TooLargeTogether, BytesOf(draft.Text), null))];
}
