namespace SelfRewarding.Model;

/// <summary>Text to token ids and back, as a <c>tokenizer.json</c> says. Safe to use from any thread.</summary>
public interface ITokenizer
{
    /// <summary>One more than the highest id, special tokens included. A model's vocab_size may be larger (padding), never smaller.</summary>
    int VocabSize { get; }

    /// <summary>The token that opens a sequence, when the tokenizer puts one.</summary>
    int? Bos { get; }

    /// <summary>The tokens that end an answer.</summary>
    IReadOnlyList<int> Eos { get; }

    /// <summary>Special and added tokens by what the file calls them, such as <c>&lt;|im_start|&gt;</c>: how a chat template finds its own.</summary>
    IReadOnlyDictionary<string, int> AddedTokens { get; }

    /// <summary>The ids of <paramref name="text"/>. Text never becomes a special token: "&lt;/s&gt;" in a text is four characters.</summary>
    /// <param name="text">Any text; lone surrogates count as U+FFFD.</param>
    /// <param name="addBos">Puts <see cref="Bos"/> first, where the tokenizer has one.</param>
    /// <param name="position">Where the text stands in its sequence.</param>
    int[] Encode(string text, bool addBos = false, TextPosition position = TextPosition.Start);

    /// <summary>
    /// The text of <paramref name="ids"/>, special tokens left out. Never throws: bytes that are no valid UTF-8 and ids outside the vocabulary become U+FFFD, and so does
    /// U+0000, which no PostgreSQL text can hold.
    /// </summary>
    /// <param name="ids">Any numbers.</param>
    /// <param name="position">Where the text stood when it was encoded, or where the model began to write.</param>
    string Decode(ReadOnlySpan<int> ids, TextPosition position = TextPosition.Start);

    /// <summary>The <c>tokenizer.json</c> that makes this tokenizer, for saving beside a checkpoint.</summary>
    string ToJson();
}
