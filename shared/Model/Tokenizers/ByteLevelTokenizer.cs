using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>
/// Byte-level BPE, GPT-2's kind: a text's UTF-8 bytes are the first symbols, so that every text has ids and no token is unknown. In <c>tokenizer.json</c> a byte is written as
/// a printable character (GPT-2's table).
/// </summary>
public sealed class ByteLevelTokenizer : ITokenizer
{
    private static readonly string[] ByteSymbols = MakeByteSymbols();

    private readonly int[] _byteIds;
    private readonly BytePairMerger _merger;
    private readonly TokenBytes _bytes;
    private readonly bool _splitsWords;
    private readonly string _json;

    private ByteLevelTokenizer(BpeVocabulary vocabulary, bool splitsWords, int? bos, IReadOnlyList<int> eos, string json, string file)
    {
        _merger = vocabulary.Merger;
        _splitsWords = splitsWords;
        _json = json;
        VocabSize = vocabulary.Size;
        Bos = bos;
        Eos = eos;
        _byteIds = [.. ByteSymbols.Select((symbol, value) => vocabulary.Ids.TryGetValue(symbol, out var id) ? id
            : throw new CheckpointException($"{file}: the byte {value} (\"{symbol}\") is not in the vocabulary; byte-level BPE needs all 256."))];
        _bytes = new TokenBytes(Bytes(vocabulary, file));
    }

    /// <inheritdoc/>
    public int VocabSize { get; }

    /// <inheritdoc/>
    public int? Bos { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Eos { get; }

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
        if (json.Find("normalizer") is not null) throw TokenizerFile.Refused(json, "normalizer");
        var words = json.Object("pre_tokenizer");
        if (words?.Text("type") != "ByteLevel" || words.Bool("add_prefix_space", true)) throw TokenizerFile.Refused(json, "pre_tokenizer");
        if (json.Object("decoder")?.Text("type") != "ByteLevel") throw TokenizerFile.Refused(json, "decoder");
        return new ByteLevelTokenizer(vocabulary, words.Bool("use_regex", true), bos, eos, text, json.File);
    }

    /// <inheritdoc/>
    public int[] Encode(string text, bool addBos = false)
    {
        var ids = new List<int>(text.Length + 1);
        if (addBos && Bos is { } bos) ids.Add(bos);
        if (_splitsWords)
        {
            var start = 0;
            foreach (var length in Gpt2Words.Lengths(text))
            {
                EncodeWord(text.AsSpan(start, length), ids);
                start += length;
            }
        }
        else
        {
            EncodeWord(text, ids);
        }

        return [.. ids];
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids) => _bytes.Decode(ids);

    /// <inheritdoc/>
    public string ToJson() => _json;

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        var symbols = new byte[Encoding.UTF8.GetMaxByteCount(word.Length)];
        var count = Encoding.UTF8.GetBytes(word, symbols);
        _merger.Merge([.. symbols.AsSpan(0, count).ToArray().Select(value => _byteIds[value])], ids);
    }

    private static byte[]?[] Bytes(BpeVocabulary vocabulary, string file)
    {
        var values = ByteSymbols.Select((symbol, value) => (symbol[0], value)).ToDictionary(pair => pair.Item1, pair => (byte)pair.value);
        var bytes = new byte[]?[vocabulary.Size];
        foreach (var (token, id) in vocabulary.Ids)
        {
            if (vocabulary.Special.Contains(id)) continue;
            bytes[id] = [.. token.Select(symbol => values.TryGetValue(symbol, out var value) ? value
                : throw new CheckpointException($"{file}: the token \"{token}\" has a character that stands for no byte, and it is not among the special tokens."))];
        }

        return bytes;
    }

    /// <summary>GPT-2's table: printable Latin-1 stands for itself, the others for U+0100 and up in order.</summary>
    private static string[] MakeByteSymbols()
    {
        var next = 0x100;
        return [.. Enumerable.Range(0, 256).Select(value =>
            ((char)(value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? value : next++)).ToString())];
    }
}
