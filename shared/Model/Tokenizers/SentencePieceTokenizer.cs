using System.Globalization;
using System.Text;

namespace SelfRewarding.Model;

/// <summary>
/// SentencePiece-style BPE with byte fallback, Llama 2's kind: a space is U+2581, one is put before every text, and a character without a token of its own becomes its UTF-8
/// bytes (<c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>). The whole text is one word.
/// </summary>
public sealed class SentencePieceTokenizer : ITokenizer
{
    private const char Space = '\u2581';

    private readonly IReadOnlyDictionary<string, int> _ids;
    private readonly int[] _byteIds;
    private readonly BytePairMerger _merger;
    private readonly TokenBytes _bytes;
    private readonly string _json;

    private SentencePieceTokenizer(BpeVocabulary vocabulary, int? bos, IReadOnlyList<int> eos, string json, string file)
    {
        _ids = vocabulary.Ids;
        _merger = vocabulary.Merger;
        _json = json;
        VocabSize = vocabulary.Size;
        Bos = bos;
        Eos = eos;
        _byteIds = [.. Enumerable.Range(0, 256).Select(value => _ids.TryGetValue(ByteToken(value), out var id) ? id
            : throw new CheckpointException($"{file}: the byte token \"{ByteToken(value)}\" is not in the vocabulary; byte fallback needs all 256."))];

        var bytes = new byte[]?[vocabulary.Size];
        foreach (var (token, id) in _ids)
        {
            if (!vocabulary.Special.Contains(id)) bytes[id] = Encoding.UTF8.GetBytes(token.Replace(Space, ' '));
        }

        for (var value = 0; value < 256; value++) bytes[_byteIds[value]] = [(byte)value];
        _bytes = new TokenBytes(bytes);
    }

    /// <inheritdoc/>
    public int VocabSize { get; }

    /// <inheritdoc/>
    public int? Bos { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Eos { get; }

    internal static SentencePieceTokenizer Read(JsonFile json, BpeVocabulary vocabulary, int? bos, IReadOnlyList<int> eos, string text)
    {
        const string Normalizer = """
            { "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "\u2581" }, { "type": "Replace", "pattern": { "String": " " }, "content": "\u2581" }] }
            """;
        const string Decoder = """
            { "type": "Sequence", "decoders": [
              { "type": "Replace", "pattern": { "String": "\u2581" }, "content": " " }, { "type": "ByteFallback" }, { "type": "Fuse" },
              { "type": "Strip", "content": " ", "start": 1, "stop": 0 }] }
            """;
        if (!TokenizerFile.Is(json, "normalizer", Normalizer)) throw TokenizerFile.Refused(json, "normalizer");
        if (json.Find("pre_tokenizer") is not null) throw TokenizerFile.Refused(json, "pre_tokenizer");
        if (!TokenizerFile.Is(json, "decoder", Decoder)) throw TokenizerFile.Refused(json, "decoder");
        return new SentencePieceTokenizer(vocabulary, bos, eos, text, json.File);
    }

    /// <inheritdoc/>
    public int[] Encode(string text, bool addBos = false)
    {
        var ids = new List<int>();
        if (addBos && Bos is { } bos) ids.Add(bos);
        if (text.Length == 0) return [.. ids];

        var symbols = new List<int>(text.Length + 1);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in (Space + text.Replace(' ', Space)).EnumerateRunes())
        {
            if (_ids.TryGetValue(rune.ToString(), out var id))
            {
                symbols.Add(id);
                continue;
            }

            foreach (var value in utf8[..rune.EncodeToUtf8(utf8)]) symbols.Add(_byteIds[value]);
        }

        _merger.Merge([.. symbols], ids);
        return [.. ids];
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = _bytes.Decode(ids);
        return text.StartsWith(' ') ? text[1..] : text;
    }

    /// <inheritdoc/>
    public string ToJson() => _json;

    private static string ByteToken(int value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");
}
