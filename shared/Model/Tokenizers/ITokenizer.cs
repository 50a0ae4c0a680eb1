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

    /// <summary>The ids of <paramref name="text"/>. Text never becomes a special token: "&lt;/s&gt;" in a text is four characters.</summary>
    /// <param name="text">Any text; lone surrogates count as U+FFFD.</param>
    /// <param name="addBos">Puts <see cref="Bos"/> first, where the tokenizer has one.</param>
    int[] Encode(string text, bool addBos = false);

    /// <summary>
    /// The text of <paramref name="ids"/>, special tokens left out. Never throws: bytes that are no valid UTF-8 and ids outside the vocabulary become U+FFFD, and so does
    /// U+0000, which no PostgreSQL text can hold.
    /// </summary>
    string Decode(ReadOnlySpan<int> ids);

    /// <summary>The <c>tokenizer.json</c> that makes this tokenizer, for saving beside a checkpoint.</summary>
    string ToJson();
}
