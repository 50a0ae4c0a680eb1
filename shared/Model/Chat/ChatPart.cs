namespace SelfRewarding.Model;

/// <summary>What a part of a chat layout is.</summary>
internal enum ChatPartKind
{
    /// <summary>Text as it stands.</summary>
    Text,

    /// <summary>What the user wrote.</summary>
    User,

    /// <summary>A token of the tokenizer's, by its id.</summary>
    Token,

    /// <summary>A token where the tokenizer has it, otherwise the same as text: markers of models that were trained without tokens for them.</summary>
    Marker,

    /// <summary>The tokenizer's own end token.</summary>
    End,
}

/// <summary>One part of a chat layout.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text, or the token's content.</param>
internal readonly record struct ChatPart(ChatPartKind Kind, string Value = "")
{
    public static ChatPart User { get; } = new(ChatPartKind.User);

    public static ChatPart End { get; } = new(ChatPartKind.End);

    public static ChatPart Text(string value) => new(ChatPartKind.Text, value);

    public static ChatPart Token(string content) => new(ChatPartKind.Token, content);

    public static ChatPart Marker(string content) => new(ChatPartKind.Marker, content);
}
