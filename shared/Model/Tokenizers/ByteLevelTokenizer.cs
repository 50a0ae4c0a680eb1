using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>
/// Byte-level BPE, the kind of GPT-2, Llama 3, Qwen2 and SmolLM2: a text is cut into words, whose UTF-8 bytes are the first symbols, so that every text has ids and no token is
/// unknown. In <c>tokenizer.json</c> a byte is written as a printable character (GPT-2's table).
/// </summary>
public sealed class ByteLevelTokenizer : ITokenizer
{
    private const int OnStack = 256;

    private static readonly string[] ByteSymbols = MakeByteSymbols();

    private readonly int[] _byteIds;
    private readonly BytePairMerger _merger;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>>? _wholeWords;
    private readonly IReadOnlyList<WordSplit> _splits;
    private readonly bool _composes;
    private readonly AddedTokenSplitter _raw, _normalized;
    private readonly TokenBytes _bytes;
    private readonly string _json;

    private ByteLevelTokenizer(BpeVocabulary vocabulary, IReadOnlyList<WordSplit> splits, bool composes, int? bos, IReadOnlyList<int> eos, string json, string file)
    {
        _merger = new BytePairMerger(vocabulary.Merges);
        _wholeWords = vocabulary.IgnoreMerges ? new Dictionary<string, int>(vocabulary.Ids, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>() : null;
        (_splits, _composes, _json) = (splits, composes, json);
        (VocabSize, Bos, Eos) = (vocabulary.Size, bos, eos);
        AddedTokens = vocabulary.Added.ToDictionary(token => token.Content, token => token.Id, StringComparer.Ordinal);
        _raw = new AddedTokenSplitter(vocabulary.Added.Where(token => !token.Special && !token.Normalized));
        _normalized = new AddedTokenSplitter(vocabulary.Added.Where(token => !token.Special && token.Normalized).Select(token => token with { Content = Normalize(token.Content) }));
        _byteIds = [.. ByteSymbols.Select((symbol, value) => vocabulary.Ids.TryGetValue(symbol, out var id) ? id
            : throw new CheckpointException($"{file}: the byte {value} (\"{symbol}\") is not in the vocabulary; byte-level BPE needs all 256."))];

        var values = ByteSymbols.Select((symbol, value) => (symbol[0], value)).ToDictionary(pair => pair.Item1, pair => (byte)pair.value);
        _bytes = new TokenBytes(vocabulary, token => [.. token.Select(symbol => values.TryGetValue(symbol, out var value) ? value
            : throw new CheckpointException($"{file}: the token \"{token}\" has a character that stands for no byte, and it is not among the added tokens."))]);
    }

    /// <inheritdoc/>
    public int VocabSize { get; }

    /// <inheritdoc/>
    public int? Bos { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Eos { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, int> AddedTokens { get; }

    /// <summary>
    /// Kata's tokenizer: ids 0 to 255 are the bytes, 256 is &lt;s&gt;, 257 is &lt;/s&gt;, 258 and 259 are reserved, no merges. A true <c>tokenizer.json</c>, that Hugging
    /// Face's tokenizers library loads as it is.
    /// </summary>
    public static ByteLevelTokenizer ForKata()
    {
        var vocabulary = new JsonObject();
        for (var value = 0; value < 256; value++) vocabulary[ByteSymbols[value]] = value;
        string[] special = ["<s>", "</s>", "<reserved_0>", "<reserved_1>"];
        var json = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. special.Select((content, i) => new JsonObject
            {
                ["id"] = 256 + i,
                ["content"] = content,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = true,
            })]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = ByteLevel(),
            ["post_processor"] = JsonNode.Parse("""
                {
                  "type": "TemplateProcessing",
                  "single": [{ "SpecialToken": { "id": "<s>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
                  "pair": [
                    { "SpecialToken": { "id": "<s>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } },
                    { "SpecialToken": { "id": "<s>", "type_id": 1 } }, { "Sequence": { "id": "B", "type_id": 1 } }
                  ],
                  "special_tokens": { "<s>": { "id": "<s>", "ids": [256], "tokens": ["<s>"] } }
                }
                """),
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
            },
        };
        return (ByteLevelTokenizer)TokenizerFile.Parse(json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n", eos: [257], "Kata's tokenizer.json");

        static JsonObject ByteLevel() => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false };
    }

    internal static ByteLevelTokenizer Read(JsonFile json, BpeVocabulary vocabulary, int? bos, IReadOnlyList<int> eos, string text)
    {
        var normalizers = json.Steps("normalizer", "normalizers");
        if (normalizers.Any(step => !step.Is("""{ "type": "NFC" }"""))) throw TokenizerFile.Refused(json, "normalizer");
        if (json.Object("decoder")?.Text("type") != "ByteLevel") throw TokenizerFile.Refused(json, "decoder");
        return new ByteLevelTokenizer(vocabulary, Splits(json), normalizers.Count > 0, bos, eos, text, json.File);
    }

    /// <summary>ByteLevel itself comes last: it turns bytes into symbols, and in GPT-2's way cuts words before.</summary>
    private static List<WordSplit> Splits(JsonFile json)
    {
        var steps = json.Steps("pre_tokenizer", "pretokenizers");
        if (steps.Count == 0 || steps[^1].Text("type") != "ByteLevel" || steps[^1].Bool("add_prefix_space", true)) throw TokenizerFile.Refused(json, "pre_tokenizer");
        var splits = steps.SkipLast(1).Select(step => step.Text("type") switch
        {
            "Digits" when step.Bool("individual_digits", false) => WordSplits.Digit,
            "Split" when step.Text("behavior") == "Isolated" && !step.Bool("invert", false) && step.Object("pattern")?.Text("Regex") is { } pattern => WordSplits.Of(pattern),
            _ => null,
        } ?? throw TokenizerFile.Refused(step)).ToList();
        if (steps[^1].Bool("use_regex", true)) splits.Add(WordSplits.Gpt2);
        return splits;
    }

    /// <inheritdoc/>
    public int[] Encode(string text, bool addBos = false, TextPosition position = TextPosition.Start)
    {
        var ids = new List<int>((text.Length / 3) + 2);
        if (addBos && Bos is { } bos) ids.Add(bos);
        foreach (var (added, part) in _raw.Split(text))
        {
            if (added is { } id)
            {
                ids.Add(id);
                continue;
            }

            foreach (var (inner, words) in _normalized.Split(Normalize(part)))
            {
                if (inner is { } innerId) ids.Add(innerId);
                else EncodeWords(words, 0, ids);
            }
        }

        return [.. ids];
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids, TextPosition position = TextPosition.Start) => _bytes.Decode(ids);

    /// <inheritdoc/>
    public string ToJson() => _json;

    private string Normalize(string text) => _composes ? CanonicalComposition.Of(text) : text;

    private void EncodeWords(ReadOnlySpan<char> text, int split, List<int> ids)
    {
        if (split == _splits.Count)
        {
            EncodeWord(text, ids);
            return;
        }

        while (text.Length > 0)
        {
            var length = _splits[split](text);
            EncodeWords(text[..length], split + 1, ids);
            text = text[length..];
        }
    }

    [SkipLocalsInit]
    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        var most = Encoding.UTF8.GetMaxByteCount(word.Length);
        var bytes = most <= OnStack ? stackalloc byte[OnStack] : new byte[most];
        var count = Encoding.UTF8.GetBytes(word, bytes);
        if (_wholeWords is { } words && IsWhole(words, bytes[..count], out var whole))
        {
            ids.Add(whole);
            return;
        }

        var symbols = count <= OnStack ? stackalloc int[OnStack] : new int[count];
        for (var i = 0; i < count; i++) symbols[i] = _byteIds[bytes[i]];
        _merger.Merge(symbols[..count], ids);
    }

    [SkipLocalsInit]
    private static bool IsWhole(Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> words, ReadOnlySpan<byte> bytes, out int id)
    {
        var symbols = bytes.Length <= OnStack ? stackalloc char[OnStack] : new char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++) symbols[i] = ByteSymbols[bytes[i]][0];
        return words.TryGetValue(symbols[..bytes.Length], out id);
    }

    /// <summary>GPT-2's table: printable Latin-1 stands for itself, the others for U+0100 and up in order.</summary>
    private static string[] MakeByteSymbols()
    {
        var next = 0x100;
        return [.. Enumerable.Range(0, 256).Select(value =>
            ((char)(value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? value : next++)).ToString())];
    }
}
