using System.Buffers;

namespace SelfRewarding.Model;

/// <summary>Cuts added tokens that are not special out of a text: the leftmost first, the longest of those that begin there.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly AddedToken[] _longestFirst;
    private readonly SearchValues<string>? _search;

    /// <param name="tokens">What to look for, by content.</param>
    public AddedTokenSplitter(IEnumerable<AddedToken> tokens)
    {
        _longestFirst = [.. tokens.OrderByDescending(token => token.Content.Length)];
        if (_longestFirst.Length > 0) _search = SearchValues.Create([.. _longestFirst.Select(token => token.Content)], StringComparison.Ordinal);
    }

    /// <summary>The parts of a text in order: an id, or (null) a text that is not empty. Together with the white space that tokens take they make the whole.</summary>
    public IEnumerable<(int? Id, string Text)> Split(string text)
    {
        var at = 0;
        while (Find(text, at) is var (token, start, end))
        {
            if (start > at) yield return (null, text[at..start]);
            yield return (token.Id, "");
            at = end;
        }

        if (at < text.Length) yield return (null, text[at..]);
    }

    private (AddedToken Token, int Start, int End)? Find(string text, int from)
    {
        if (_search is null) return null;
        var found = text.AsSpan(from).IndexOfAny(_search);
        if (found < 0) return null;
        var start = from + found;
        var token = _longestFirst.First(token => string.CompareOrdinal(text, start, token.Content, 0, token.Content.Length) == 0);
        var end = start + token.Content.Length;
        while (token.LStrip && start > from && char.IsWhiteSpace(text[start - 1])) start--;
        while (token.RStrip && end < text.Length && char.IsWhiteSpace(text[end])) end++;
        return (token, start, end);
    }
}
