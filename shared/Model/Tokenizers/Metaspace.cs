namespace SelfRewarding.Model;

/// <summary>
/// How a SentencePiece-style tokenizer writes a text with U+2581 for spaces, and which of them it puts in front. Two ways lead to it: the normalizers Prepend and Replace, and
/// the pre-tokenizer Metaspace.
/// </summary>
/// <param name="Prefix">Before which texts one is put.</param>
/// <param name="EvenBeforeSpace">One is put before a text that begins with a space, too (Prepend); Metaspace does not, so such a text loses its first space.</param>
/// <param name="IsNormalizer">It is done before added tokens are looked for in the normalized text.</param>
/// <param name="SplitsWords">Each space begins a word, which nothing merges across.</param>
internal sealed record Metaspace(SpacePrefix Prefix, bool EvenBeforeSpace, bool IsNormalizer, bool SplitsWords)
{
    public const char Space = '\u2581';

    private const string Prepend = """{ "type": "Prepend", "prepend": "\u2581" }""";
    private const string Replace = """{ "type": "Replace", "pattern": { "String": " " }, "content": "\u2581" }""";

    public static Metaspace Read(JsonFile json)
    {
        var (normalizers, words) = (json.Steps("normalizer", "normalizers"), json.Steps("pre_tokenizer", "pretokenizers"));
        switch (normalizers.Count)
        {
            case 2 when words.Count == 0 && normalizers[0].Is(Prepend) && normalizers[1].Is(Replace):
                return new Metaspace(SpacePrefix.Always, EvenBeforeSpace: true, IsNormalizer: true, SplitsWords: false);
            case 1 when words.Count == 0 && normalizers[0].Is(Replace):
                return new Metaspace(SpacePrefix.Never, EvenBeforeSpace: false, IsNormalizer: true, SplitsWords: false);
            case > 0:
                throw TokenizerFile.Refused(json, "normalizer");
        }

        if (words.Count != 1 || words[0].Text("type") != "Metaspace" || words[0].Text("replacement") != Space.ToString()) throw TokenizerFile.Refused(json, "pre_tokenizer");
        var prefix = words[0].Text("prepend_scheme") switch
        {
            "always" => SpacePrefix.Always,
            "first" => SpacePrefix.First,
            "never" => SpacePrefix.Never,
            null => words[0].Bool("add_prefix_space", true) ? SpacePrefix.Always : SpacePrefix.Never,
            _ => throw TokenizerFile.Refused(words[0], "prepend_scheme"),
        };
        return new Metaspace(prefix, EvenBeforeSpace: false, IsNormalizer: false, words[0].Bool("split", true));
    }

    /// <summary>The text with U+2581 for spaces, and one in front where it gets one.</summary>
    /// <param name="position">Where it stands.</param>
    public string Write(string text, TextPosition position)
    {
        var written = text.Replace(' ', Space);
        var prefixed = Prefix switch
        {
            SpacePrefix.Always => position != TextPosition.AfterText,
            SpacePrefix.First => position == TextPosition.Start,
            _ => false,
        };
        return prefixed && text.Length > 0 && (EvenBeforeSpace || written[0] != Space) ? Space + written : written;
    }
}

/// <summary>Before which texts a space is put.</summary>
internal enum SpacePrefix
{
    Never,

    /// <summary>The first of a sequence.</summary>
    First,

    /// <summary>The first, and each behind an added token.</summary>
    Always,
}
