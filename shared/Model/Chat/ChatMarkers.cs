namespace SelfRewarding.Model;

/// <summary>The tokens by which chat templates tell turns apart.</summary>
internal static class ChatMarkers
{
    public const string StartOfTurn = "<|im_start|>", EndOfTurn = "<|im_end|>";
    public const string StartOfHeader = "<|start_header_id|>", EndOfHeader = "<|end_header_id|>", EndOfMessage = "<|eot_id|>";
    public const string User = "<|user|>", Assistant = "<|assistant|>", System = "<|system|>";
    public const string StartOfInstruction = "[INST]", EndOfInstruction = "[/INST]";

    /// <summary>All of them. Where a tokenizer has one as a token of its own, no text becomes it.</summary>
    public static IReadOnlySet<string> All { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        StartOfTurn, EndOfTurn, StartOfHeader, EndOfHeader, EndOfMessage, User, Assistant, System, StartOfInstruction, EndOfInstruction,
    };
}
