using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SelfRewarding.Datasets;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// A byte-level <c>tokenizer.json</c> with as many tokens as SmolLM2's: its special tokens that are needed, the bytes, the words of the paper's layouts, so that those take about
/// as many tokens as with a tokenizer that was trained, and for the rest made-up beginnings of words, so that what a random model draws is text of a kind.
/// </summary>
internal static partial class SmolTokenizer
{
    private static readonly string[] _special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]; // ids 0 to 2, as in SmolLM2

    /// <summary>The words of the paper's layouts.</summary>
    public static IReadOnlyList<string> Words { get; } = [.. Word().Matches(PaperFormat.Judge + PaperFormat.Draft).Select(match => match.Value).Distinct(StringComparer.Ordinal)];

    /// <summary>The file's text.</summary>
    /// <param name="tokens">Entries of its vocabulary, the special ones included.</param>
    public static string Json(int tokens)
    {
        var json = JsonNode.Parse(ByteLevelTokenizer.ForKata().ToJson())!; // its vocabulary is the 256 bytes in order
        var symbols = json["model"]!["vocab"]!.AsObject().OrderBy(symbol => symbol.Value!.GetValue<int>()).Select(symbol => symbol.Key).ToList();
        var (vocabulary, merges) = (new JsonObject(), new JsonArray());
        foreach (var token in _special.Concat(symbols)) vocabulary[token] = vocabulary.Count;
        foreach (var (left, right) in Merges(space: symbols[' ']))
        {
            if (vocabulary.Count == tokens) break;
            if (vocabulary.ContainsKey(left + right)) continue;
            vocabulary[left + right] = vocabulary.Count;
            merges.Add(new JsonArray(left, right));
        }

        (json["model"]!["vocab"], json["model"]!["merges"], json["post_processor"]) = (vocabulary, merges, null);
        json["added_tokens"] = new JsonArray([.. _special.Select((content, id) => new JsonObject
        {
            ["id"] = id, ["content"] = content, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
        })]);
        json["pre_tokenizer"] = JsonNode.Parse(
            """{ "type": "Sequence", "pretokenizers": [{ "type": "Digits", "individual_digits": true }, { "type": "ByteLevel", "add_prefix_space": false, "use_regex": true }] }""");
        return json.ToJsonString();
    }

    // Each makes a token of two that are there: a word grows letter by letter; then come all pairs of letters, and words that begin with one, two, three and four of them.
    private static IEnumerable<(string Left, string Right)> Merges(string space)
    {
        foreach (var word in Words.Select(word => space + word).Concat(Words))
        {
            for (var length = 1; length < word.Length; length++) yield return (word[..length], word[length..(length + 1)]);
        }

        var letters = Enumerable.Range('a', 26).Select(letter => ((char)letter).ToString()).ToList();
        var pairs = letters.SelectMany(first => letters.Select(second => (first, second))).ToList();
        foreach (var pair in pairs) yield return pair;
        foreach (var letter in letters) yield return (space, letter);
        foreach (var (first, second) in pairs) yield return (space + first, second);
        foreach (var (first, second) in pairs)
        {
            foreach (var third in letters) yield return (space + first + second, third);
        }

        foreach (var (first, second) in pairs)
        {
            foreach (var (third, fourth) in pairs) yield return (first + second, third + fourth);
        }
    }

    [GeneratedRegex("[A-Za-z]+")]
    private static partial Regex Word();
}
