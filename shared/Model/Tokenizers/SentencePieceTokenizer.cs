using System.Globalization;
using System.Text;

namespace SelfRewarding.Model;

/// <summary>
/// SentencePiece-style BPE with byte fallback, the kind of Llama 2, Mistral and TinyLlama: a space is U+2581, one is put before a text that begins a sequence, and a character
/// without a token of its own becomes its UTF-8 bytes (<c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>).
/// </summary>
public sealed class SentencePieceTokenizer : ITokenizer
{
    private readonly Dictionary<int, int> _characters;
    private readonly int[] _byteIds;
    private readonly BytePairMerger _merger;
    private readonly Metaspace _spaces;
    private readonly Func<string, int, int> _wordEnd;
    private readonly bool _stripsFirst;
    private readonly AddedTokenSplitter _raw, _normalized;
    private readonly TokenBytes _bytes;
    private readonly string _json;

    private SentencePieceTokenizer(BpeVocabulary vocabulary, Metaspace spaces, bool stripsFirst, int? bos, IReadOnlyList<int> eos, string json, string file)
    {
        _merger = new BytePairMerger(vocabulary.Merges);
        (_spaces, _stripsFirst, _json) = (spaces, stripsFirst, json);
        (VocabSize, Bos, Eos) = (vocabulary.Size, bos, eos);
        AddedTokens = vocabulary.Added.ToDictionary(token => token.Content, token => token.Id, StringComparer.Ordinal);
        _raw = new AddedTokenSplitter(vocabulary.Added.Where(token => !token.Special && !token.Normalized));
        _normalized = new AddedTokenSplitter(vocabulary.Added.Where(token => !token.Special && token.Normalized)
            .Select(token => token with { Content = NormalizersWrite(token.Content, TextPosition.Start) }));
        _byteIds = [.. Enumerable.Range(0, 256).Select(value => vocabulary.Ids.TryGetValue(ByteToken(value), out var id) ? id
            : throw new CheckpointException($"{file}: the byte token \"{ByteToken(value)}\" is not in the vocabulary; byte fallback needs all 256."))];
        _characters = vocabulary.Ids
            .Where(token => token.Key.Length is 1 or 2 && Rune.TryGetRuneAt(token.Key, 0, out var rune) && rune.Utf16SequenceLength == token.Key.Length)
            .ToDictionary(token => Rune.GetRuneAt(token.Key, 0).Value, token => token.Value);

        var bytes = Enumerable.Range(0, 256).ToDictionary(ByteToken, value => (byte)value, StringComparer.Ordinal);
        _bytes = new TokenBytes(vocabulary, token => bytes.TryGetValue(token, out var value) ? [value] : Encoding.UTF8.GetBytes(token.Replace(Metaspace.Space, ' ')));

        // Cut where no rule reaches across, a text has the same ids and costs less.
        var crosses = new HashSet<int>(vocabulary.Ids.Where(token => CutEnd(token.Key, 0) < token.Key.Length).Select(token => token.Value));
        _wordEnd = spaces.SplitsWords ? SpaceEnd : vocabulary.Merges.Any(merge => crosses.Contains(merge.Merged)) ? static (text, _) => text.Length : CutEnd;
    }

    /// <inheritdoc/>
    public int VocabSize { get; }

    /// <inheritdoc/>
    public int? Bos { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Eos { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, int> AddedTokens { get; }

    internal static SentencePieceTokenizer Read(JsonFile json, BpeVocabulary vocabulary, int? bos, IReadOnlyList<int> eos, string text)
    {
        const string Replace = """{ "type": "Replace", "pattern": { "String": "\u2581" }, "content": " " }""";
        const string Strip = """{ "type": "Strip", "content": " ", "start": 1, "stop": 0 }""";
        if (vocabulary.IgnoreMerges) throw TokenizerFile.Refused(json.Object("model")!, "ignore_merges");
        var decoders = json.Steps("decoder", "decoders");
        var strips = decoders.Count == 4 && decoders[3].Is(Strip);
        if (decoders.Count != (strips ? 4 : 3) || !decoders[0].Is(Replace) || decoders[1].Text("type") != "ByteFallback" || decoders[2].Text("type") != "Fuse")
            throw TokenizerFile.Refused(json, "decoder");
        return new SentencePieceTokenizer(vocabulary, Metaspace.Read(json), strips, bos, eos, text, json.File);
    }

    /// <inheritdoc/>
    public int[] Encode(string text, bool addBos = false, TextPosition position = TextPosition.Start)
    {
        var ids = new List<int>((text.Length / 3) + 2);
        if (addBos && Bos is { } bos) ids.Add(bos);
        foreach (var (added, part) in _raw.Split(text))
        {
            if (added is { } id) ids.Add(id);
            else EncodePart(NormalizersWrite(part, position), position, ids);
            position = TextPosition.AfterToken;
        }

        return [.. ids];
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids, TextPosition position = TextPosition.Start)
    {
        var text = _bytes.Decode(ids);
        return _stripsFirst && position != TextPosition.AfterText && text.StartsWith(' ') ? text[1..] : text;
    }

    /// <inheritdoc/>
    public string ToJson() => _json;

    // Prepend and Replace come before added tokens are looked for in the normalized text, Metaspace after.
    private string NormalizersWrite(string text, TextPosition position) => _spaces.IsNormalizer ? _spaces.Write(text, position) : text;

    private void EncodePart(string part, TextPosition position, List<int> ids)
    {
        foreach (var (added, inner) in _normalized.Split(part))
        {
            if (added is { } id) ids.Add(id);
            else EncodeWords(_spaces.IsNormalizer ? inner : _spaces.Write(inner, position), ids);
            position = TextPosition.AfterToken;
        }
    }

    private void EncodeWords(string text, List<int> ids)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var symbols = new int[64];
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = _wordEnd(text, start);
            var count = 0;
            if (symbols.Length < 4 * (end - start)) symbols = new int[4 * (end - start)];
            foreach (var rune in text.AsSpan(start, end - start).EnumerateRunes())
            {
                if (_characters.TryGetValue(rune.Value, out var id))
                {
                    symbols[count++] = id;
                    continue;
                }

                foreach (var value in utf8[..rune.EncodeToUtf8(utf8)]) symbols[count++] = _byteIds[value];
            }

            _merger.Merge(symbols.AsSpan(0, count), ids);
        }
    }

    /// <summary>A run of spaces and what follows it, up to the next run.</summary>
    private static int CutEnd(string text, int start)
    {
        var end = start;
        while (end < text.Length && text[end] == Metaspace.Space) end++;
        return end == text.Length ? end : SpaceEnd(text, end);
    }

    private static int SpaceEnd(string text, int start) => text.IndexOf(Metaspace.Space, start + 1) is >= 0 and var space ? space : text.Length;

    private static string ByteToken(int value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");
}
