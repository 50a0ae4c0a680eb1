using FsCheck;
using FsCheck.Fluent;

namespace SelfRewarding.Model.Tests;

/// <summary>Texts that tokenizers have trouble with: words, contractions, numbers, white space of every kind, marks, and other scripts, in any order.</summary>
internal static class AnyText
{
    private static readonly string[] Pieces =
    [
        "a", "quick", "'s", "'LL", "'d", "'", "1", "123", "4567", "\u0662", " ", "  ", "\t", "\n", "\r\n", "\u00A0", "\u3000", "\u0085", ".", "...", "!?", "(", "\u00BD", "\u00E9", "e\u0301",
        "\u1EE5\u0302", "\u65E5", "\u0434\u0430", "\uAC00", "\u1100\u1161\u11A8", "\u2581", "\uFEFF", "\u200D", "<s>", "</s>", "<unk>", "<0x41>", "<|im_end|>", "[INST]", "The", "there", "aaaa", "\u0000",
    ];

    private static readonly string[] Beyond = ["\U0001D4D0", "\U0001F600", "\U00010400", "\U0001D7D9", "\U0001D15E", "\U0002F800"];

    /// <summary>How thoroughly properties of texts are tried.</summary>
    public static Config Thorough { get; } = Config.QuickThrowOnFailure.WithMaxTest(1_000).WithEndSize(60);

    /// <summary>Texts of the basic plane.</summary>
    public static Arbitrary<string> Basic { get; } = Of(Pieces);

    /// <summary>Any valid text.</summary>
    public static Arbitrary<string> All { get; } = Of([.. Pieces, .. Beyond]);

    /// <summary>Any UTF-16 units, halves of surrogate pairs among them.</summary>
    public static Arbitrary<string> Broken { get; } = Gen.OneOf(
        All.Generator, Gen.Choose(0, 0xFFFF).Select(unit => (char)unit).ArrayOf().Select(units => new string(units)),
        Gen.Elements("\uD800", "\uDC00", "\uD83D\uDE00", "e\u0301", " ").ListOf().Select(string.Concat)).ToArbitrary();

    private static Arbitrary<string> Of(string[] pieces) => Gen.OneOf(
        Gen.Elements(pieces).ListOf().Select(string.Concat),
        ArbMap.Default.GeneratorFor<string>().Where(text => text is not null).Select(text => new string([.. text.Where(unit => !char.IsSurrogate(unit))]))).ToArbitrary();
}
