using SelfRewarding.Contracts;

namespace SelfRewarding.PromptGen;

/// <summary>Why a draft was refused.</summary>
/// <param name="Reason">The filter: <c>too_large</c>, <c>truncated</c>, <c>content_filter</c>, <c>too_short</c>, <c>too_long</c>, <c>banned_word</c>, <c>banned_start</c>,
/// <c>punctuation_start</c>, <c>non_english_start</c>, <c>duplicate</c> or <c>rouge_l</c>.</param>
/// <param name="Figure">Number of words (or of different banned words, or of bytes), or ROUGE-L F1.</param>
/// <param name="Nearest">The prompt that the draft is too near to.</param>
public sealed record Verdict(string Reason, double Figure, string? Nearest);

/// <summary>
/// The filters of Self-Instruct (Wang et al. 2023, arXiv 2212.10560) that look at a draft alone. Words are those of
/// <see cref="RougeL.Words"/>.
/// </summary>
public static class PromptFilter
{
    /// <summary>Null where no filter refuses the draft.</summary>
    /// <param name="finish">A draft that ran into the token limit, or into a server's filter, is no whole instruction.</param>
    public static Verdict? Check(string draft, Finish finish, FilterSettings settings)
    {
        if (DraftLimit.BytesOf(draft) is var bytes and > DraftLimit.MostBytes)
            return new(DraftLimit.TooLarge, bytes, null);
        var text = draft.Trim();
        var words = RougeL.Words(text);
        if (finish == Finish.Length)
            return new("truncated", words.Count, null);
        if (finish == Finish.ContentFilter)
            return new("content_filter", words.Count, null);
        if (text.Length == 0 || words.Count < settings.MinWords)
            return new("too_short", words.Count, null);
        if (words.Count > settings.MaxWords)
            return new("too_long", words.Count, null);
        if (settings.BannedWords.Count(phrase => Contains(words, RougeL.Words(phrase))) is var banned and > 0)
            return new("banned_word", banned, null);
        if (settings.BannedStarts.Any(start => text.StartsWith(start, StringComparison.OrdinalIgnoreCase)))
            return new("banned_start", words.Count, null);
        if (settings.RequireEnglishStart && !char.IsAsciiLetterOrDigit(text[0]))
            return new(char.IsAscii(text[0]) ? "punctuation_start" : "non_english_start", words.Count, null);
        return null;
    }

    private static bool Contains(IReadOnlyList<string> words, IReadOnlyList<string> phrase) =>
        phrase.Count > 0 && Enumerable.Range(0, Math.Max(0, words.Count - phrase.Count + 1))
            .Any(start => phrase.Index().All(part => words[start + part.Index] == part.Item));
}

/// <summary>The prompts that there are, seed and accepted, and what a draft has to pass to become one of them. Not safe for threads.</summary>
public sealed class PromptPool
{
    private readonly FilterSettings _settings;
    private readonly HashSet<string> _prompts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _heldOut;
    private readonly RougeLIndex _index = new();

    /// <param name="heldOut">Instructions to measure on: a draft that repeats one is refused, so that no training ever sees them.</param>
    public PromptPool(FilterSettings settings, IEnumerable<string> seeds, IEnumerable<string>? heldOut = null)
    {
        _settings = settings;
        _heldOut = (heldOut ?? []).Select(prompt => prompt.Trim()).ToHashSet(StringComparer.Ordinal);
        foreach (var seed in seeds)
            Accept(seed);
    }

    /// <summary>How many different prompts there are.</summary>
    public int Count => _prompts.Count;

    /// <summary>Null where the draft may become a prompt. White space around it does not count.</summary>
    public Verdict? Check(string draft, Finish finish)
    {
        var text = draft.Trim();
        if (PromptFilter.Check(draft, finish, _settings) is { } verdict)
            return verdict;
        if (_heldOut.Contains(text))
            return new("held_out", 1, text);
        if (_prompts.TryGetValue(text, out var same))
            return new("duplicate", 1, same);
        return _index.Nearest(text, _settings.MaxRougeL) is { } near ? new("rouge_l", near.F1, near.Text) : null;
    }

    /// <summary>Adds a prompt that later drafts are compared with.</summary>
    public void Accept(string prompt)
    {
        if (_prompts.Add(prompt.Trim()) && _settings.MaxRougeL < 1)
            _index.Add(prompt.Trim());
    }
}
