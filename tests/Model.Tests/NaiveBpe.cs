using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SelfRewarding.Model.Tests;

/// <summary>
/// Byte-pair encoding as its definition says, over strings, with .NET's expressions for words: slow, and independent of the tokenizers. For texts of the basic plane, where
/// these expressions see what others see.
/// </summary>
internal sealed class NaiveBpe
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<(string, string), int> _ranks = [];
    private readonly bool _ignoreMerges;

    public NaiveBpe(JsonObject file)
    {
        var model = file["model"]!;
        _ids = model["vocab"]!.AsObject().ToDictionary(token => token.Key, token => token.Value!.GetValue<int>(), StringComparer.Ordinal);
        foreach (var merge in model["merges"]!.AsArray())
        {
            var parts = merge is JsonArray pair ? [pair[0]!.GetValue<string>(), pair[1]!.GetValue<string>()] : merge!.GetValue<string>().Split(' ');
            _ranks.TryAdd((parts[0], parts[1]), _ranks.Count);
        }

        _ignoreMerges = model["ignore_merges"]!.GetValue<bool>();
    }

    /// <summary>Ids of words of bytes.</summary>
    /// <param name="words">The patterns, each applied to the words of the one before; what a pattern leaves out is a word, too.</param>
    public int[] ByteLevel(string text, params string[] words)
    {
        IEnumerable<string> parts = [text];
        foreach (var pattern in words) parts = parts.SelectMany(part => Isolate(part, pattern));
        return [.. parts.SelectMany(word => Word([.. Encoding.UTF8.GetBytes(word).Select(value => SmallTokenizer.ByteSymbols[value])]))];
    }

    /// <summary>Ids of a whole text of characters, those without a token as bytes; spaces are U+2581 already.</summary>
    public int[] SentencePiece(string text) => Word([.. text.EnumerateRunes().SelectMany(rune => _ids.ContainsKey(rune.ToString())
        ? [rune.ToString()] : Encoding.UTF8.GetBytes(rune.ToString()).Select(value => $"<0x{value:X2}>"))]);

    /// <summary>Merges one pair wherever it stands, from the left.</summary>
    public static void Apply(List<string> word, (string Left, string Right) merge)
    {
        for (var i = 0; i + 1 < word.Count; i++)
        {
            if (word[i] != merge.Left || word[i + 1] != merge.Right) continue;
            word[i] += word[i + 1];
            word.RemoveAt(i + 1);
        }
    }

    private int[] Word(List<string> word)
    {
        if (_ignoreMerges && _ids.TryGetValue(string.Concat(word), out var whole)) return [whole];
        while (word.Zip(word.Skip(1)).Where(_ranks.ContainsKey).OrderBy(pair => _ranks[pair]).Cast<(string, string)?>().FirstOrDefault() is { } best) Apply(word, best);
        return [.. word.Select(symbol => _ids[symbol])];
    }

    private static IEnumerable<string> Isolate(string text, string pattern)
    {
        var at = 0;
        foreach (Match match in Regex.Matches(text, pattern, RegexOptions.CultureInvariant))
        {
            if (match.Index > at) yield return text[at..match.Index];
            if (match.Length > 0) yield return match.Value;
            at = match.Index + match.Length;
        }

        if (at < text.Length) yield return text[at..];
    }
}
