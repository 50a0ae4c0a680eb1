namespace SelfRewarding.Model;

/// <summary>Where a text stands in its sequence. SentencePiece-style tokenizers put a space before a text that begins one; byte-level tokenizers make no difference.</summary>
public enum TextPosition
{
    /// <summary>The first of the sequence, or the first after the token that opens it.</summary>
    Start,

    /// <summary>Behind a special token.</summary>
    AfterToken,

    /// <summary>It goes on with a text: nothing is put before it, and nothing taken away when it is decoded.</summary>
    AfterText,
}
