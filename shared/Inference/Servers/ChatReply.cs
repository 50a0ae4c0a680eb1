using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using SelfRewarding.Contracts;

namespace SelfRewarding.Inference;

/// <summary>
/// What a server answered (https://platform.openai.com/docs/api-reference/chat/object), as far as anything is made of it. It is read strictly: an answer that does not say
/// why it ended may be half of one.
/// </summary>
internal sealed record ChatReply(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("model")] string? Model,
    [property: JsonPropertyName("choices")] IReadOnlyList<ChatReply.Choice>? Choices,
    [property: JsonPropertyName("usage")] ChatReply.Counts? Usage)
{
    internal sealed record Choice(
        [property: JsonPropertyName("message")] Message? Message,
        [property: JsonPropertyName("finish_reason")] string? FinishReason,
        [property: JsonPropertyName("logprobs")] LogProbs? LogProbs);

    internal sealed record Message([property: JsonPropertyName("content")] string? Content, [property: JsonPropertyName("refusal")] string? Refusal);

    internal sealed record LogProbs([property: JsonPropertyName("content")] IReadOnlyList<TokenLogProb>? Content);

    internal sealed record TokenLogProb([property: JsonPropertyName("logprob")] double LogProb);

    internal sealed record Counts([property: JsonPropertyName("prompt_tokens")] long? PromptTokens, [property: JsonPropertyName("completion_tokens")] long? CompletionTokens);

    /// <summary>Reads an answer.</summary>
    /// <exception cref="ServerUnavailableException">It is none.</exception>
    public static (GeneratedText Text, string? Id) Read(ReadOnlySpan<byte> body, ServerSettings server, ServerFailure failure)
    {
        if (body.IsEmpty)
            throw failure.OfGarbage("nothing");
        ChatReply? reply;
        try
        {
            reply = JsonSerializer.Deserialize<ChatReply>(body);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw failure.OfGarbage($"what is no chat completion ({failure.Line(e.Message)}): {failure.Line(Encoding.UTF8.GetString(body[..Math.Min(body.Length, 400)]))}");
        }

        if (reply?.Choices is not [{ FinishReason: { } reason } choice, ..])
            throw failure.OfGarbage("half a chat completion: it has no choice with a finish_reason");
        if (FinishOf(reason) is not { } finish)
            throw failure.OfGarbage($"finish_reason '{failure.Line(reason)}', expected stop, length or content_filter");
        if (reply.Usage is { PromptTokens: < 0 } or { CompletionTokens: < 0 or > int.MaxValue })
            throw failure.OfGarbage("a negative or impossible number of tokens");
        var served = new ServedBy(server.Url!, [Storable(reply.Model is { Length: > 0 } model ? model : server.Model!)], 1, reply.Usage?.PromptTokens, reply.Usage?.CompletionTokens);
        return (new GeneratedText(Storable(choice.Message?.Content ?? choice.Message?.Refusal ?? ""), [], finish, LogProbOf(choice), served), reply.Id);
    }

    private static Finish? FinishOf(string reason) => reason switch
    {
        "stop" => Finish.Stop,
        "length" => Finish.Length,
        "content_filter" => Finish.ContentFilter,
        _ => null,
    };

    // A sum that is no number says nothing.
    private static double? LogProbOf(Choice choice) => choice.LogProbs?.Content is { Count: > 0 } tokens && tokens.Sum(token => token.LogProb) is var sum && double.IsFinite(sum) ? sum : null;

    // PostgreSQL cannot keep U+0000, as with the tokenizers' own texts.
    private static string Storable(string text) => text.Replace('\0', '\uFFFD');
}
