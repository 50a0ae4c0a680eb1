using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model.Tests;

/// <summary>
/// Small <c>tokenizer.json</c> files, with a few hundred tokens learned from a few sentences, and otherwise built as the published files of their families are: the same
/// normalizers, pre-tokenizers with the same patterns, post-processors and decoders, and special tokens of the same names.
/// </summary>
internal static class SmallTokenizer
{
    public const string Corpus =
        "The quick brown fox's tail isn't what we'd call long; they'll say it's 12 or 1234567 inches, won't they? He has been there and he'll be there again. "
        + "der Fuchs l\u00E4uft \u00FCber die Stra\u00DFe. caf\u00E9 na\u00EFve \u65E5\u672C\u8A9E \u0434\u0430  two  spaces\n\nnew lines\tand tabs... (what?) !!! aaaa bbbb abab";

    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    public const string Llama3Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    public const string Qwen2Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>GPT-2's table: what byte a character stands for.</summary>
    public static IReadOnlyList<string> ByteSymbols { get; } = MakeByteSymbols();

    public static JsonObject Llama3() => ByteLevel(
        Learn(120), ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        preTokenizer: SplitThenBytes(Llama3Pattern),
        postProcessor: new JsonObject { ["type"] = "Sequence", ["processors"] = new JsonArray(ByteLevelPart(true), Template("<|begin_of_text|>", 377)) },
        ignoreMerges: true);

    public static JsonObject Qwen2() => ByteLevel(
        Learn(120), ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>"],
        normalizer: new JsonObject { ["type"] = "NFC" }, preTokenizer: SplitThenBytes(Qwen2Pattern), postProcessor: ByteLevelPart(false), plain: "<tool_call>");

    public static JsonObject SmolLm2() => ByteLevel(
        Learn(120), ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>"],
        preTokenizer: new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(new JsonObject { ["type"] = "Digits", ["individual_digits"] = true }, ByteLevelPart(true)),
        });

    public static JsonObject Gpt2() => ByteLevel(Learn(120), ["<|endoftext|>"], preTokenizer: ByteLevelPart(true), postProcessor: ByteLevelPart(true));

    /// <summary>Llama 2, Mistral before version 3, TinyLlama.</summary>
    public static JsonObject Llama2() => SentencePiece(
        ["<unk>", "<s>", "</s>"],
        JsonNode.Parse("""{ "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "\u2581" }, { "type": "Replace", "pattern": { "String": " " }, "content": "\u2581" }] }"""),
        preTokenizer: null);

    public static JsonObject MistralV3() => SentencePiece(
        ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"], normalizer: null,
        JsonNode.Parse("""{ "type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": false }"""));

    /// <summary>The id of a token in a file.</summary>
    public static int Id(JsonObject file, string token) => file["added_tokens"]!.AsArray().FirstOrDefault(added => added!["content"]!.GetValue<string>() == token)?["id"]!.GetValue<int>()
        ?? file["model"]!["vocab"]![token]!.GetValue<int>();

    private static JsonObject ByteLevel(
        IReadOnlyList<(string Left, string Right)> merges, string[] added, JsonNode? normalizer = null, JsonNode? preTokenizer = null, JsonNode? postProcessor = null,
        bool ignoreMerges = false, string? plain = null)
    {
        var vocabulary = new JsonObject();
        foreach (var symbol in ByteSymbols) vocabulary[symbol] = vocabulary.Count;
        foreach (var (left, right) in merges) vocabulary[left + right] = vocabulary.Count;
        // Words that no merge makes: Llama 3 has such, and takes them whole.
        if (ignoreMerges) vocabulary["\u0120zebra"] = vocabulary.Count;
        return File(vocabulary, merges, added, vocabulary.Count, normalizer, preTokenizer, postProcessor, ByteLevelPart(true), byteFallback: false, ignoreMerges, plain);
    }

    private static JsonObject SentencePiece(string[] added, JsonNode? normalizer, JsonNode? preTokenizer)
    {
        var vocabulary = new JsonObject();
        foreach (var token in added) vocabulary[token] = vocabulary.Count;
        for (var value = 0; value < 256; value++) vocabulary[string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>")] = vocabulary.Count;
        var text = "\u2581" + Corpus.Replace(' ', '\u2581').Replace("\u65E5", "", StringComparison.Ordinal); // one sign is left to its bytes
        foreach (var rune in text.EnumerateRunes().Distinct()) vocabulary[rune.ToString()] = vocabulary.Count;
        var words = System.Text.RegularExpressions.Regex.Matches(text, "\u2581*[^\u2581]*").Select(match => match.Value).Where(word => word.Length > 0);
        var merges = Learn(words.Select(word => word.EnumerateRunes().Select(rune => rune.ToString()).ToList()), 150);
        foreach (var (left, right) in merges) vocabulary.TryAdd(left + right, vocabulary.Count);
        var decoder = JsonNode.Parse("""
            { "type": "Sequence", "decoders": [{ "type": "Replace", "pattern": { "String": "\u2581" }, "content": " " }, { "type": "ByteFallback" }, { "type": "Fuse" },
              { "type": "Strip", "content": " ", "start": 1, "stop": 0 }] }
            """);
        return File(vocabulary, merges, added, 0, normalizer, preTokenizer, Template("<s>", 1), decoder, byteFallback: true, ignoreMerges: false, plain: null);
    }

    private static JsonObject File(
        JsonObject vocabulary, IReadOnlyList<(string Left, string Right)> merges, string[] added, int firstAdded, JsonNode? normalizer, JsonNode? preTokenizer,
        JsonNode? postProcessor, JsonNode? decoder, bool byteFallback, bool ignoreMerges, string? plain) => new()
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. added.Select((content, index) => new JsonObject
            {
                ["id"] = firstAdded + index,
                ["content"] = content,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = content != plain,
            })]),
            ["normalizer"] = normalizer,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = postProcessor,
            ["decoder"] = decoder,
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = byteFallback ? "<unk>" : null,
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "",
                ["fuse_unk"] = byteFallback,
                ["byte_fallback"] = byteFallback,
                ["ignore_merges"] = ignoreMerges,
                ["vocab"] = vocabulary,
                // Files are written in either way.
                ["merges"] = new JsonArray([.. merges.Select(merge => byteFallback ? (JsonNode)$"{merge.Left} {merge.Right}" : new JsonArray(merge.Left, merge.Right))]),
            },
        };

    private static JsonObject ByteLevelPart(bool useRegex) => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = useRegex };

    private static JsonObject SplitThenBytes(string pattern) => new()
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray(
            new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated", ["invert"] = false },
            ByteLevelPart(false)),
    };

    private static JsonObject Template(string token, int id) => new()
    {
        ["type"] = "TemplateProcessing",
        ["single"] = new JsonArray(
            new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = 0 } },
            new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } }),
        ["special_tokens"] = new JsonObject { [token] = new JsonObject { ["id"] = token, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(token) } },
    };

    private static List<(string Left, string Right)> Learn(int count) => Learn(
        System.Text.RegularExpressions.Regex.Matches(Corpus, Gpt2Pattern).Select(match => Encoding.UTF8.GetBytes(match.Value).Select(value => ByteSymbols[value]).ToList()), count);

    /// <summary>The merges that byte-pair encoding learns: the most frequent pair, over and over.</summary>
    private static List<(string Left, string Right)> Learn(IEnumerable<List<string>> corpus, int count)
    {
        var (words, merges, made) = (corpus.ToList(), new List<(string Left, string Right)>(), new HashSet<string>(StringComparer.Ordinal));
        while (merges.Count < count)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair).OrderByDescending(group => group.Count()).ThenBy(group => group.Key.First, StringComparer.Ordinal)
                .ThenBy(group => group.Key.Second, StringComparer.Ordinal).Select(group => group.Key).First(pair => made.Add(pair.First + pair.Second));
            merges.Add(best);
            foreach (var word in words) NaiveBpe.Apply(word, best);
        }

        return merges;
    }

    private static string[] MakeByteSymbols()
    {
        var next = 0x100;
        return [.. Enumerable.Range(0, 256).Select(value => ((char)(value is >= 0x21 and <= 0x7E or >= 0xA1 and <= 0xAC or >= 0xAE ? value : next++)).ToString())];
    }
}
