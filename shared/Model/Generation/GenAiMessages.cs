using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>Prompts and answers as spans hold them, where that is asked for (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/#recording-content-on-attributes).</summary>
public static class GenAiMessages
{
    // Texts are for people to read: no \u00e9 for é.
    private static readonly JsonSerializerOptions _readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One message of one text.</summary>
    /// <param name="finishReason">Why an answer ended; null for a prompt.</param>
    public static JsonObject Message(string role, string text, string? finishReason = null)
    {
        var message = new JsonObject { ["role"] = role, ["parts"] = new JsonArray(new JsonObject { ["type"] = "text", ["content"] = text }) };
        if (finishReason is not null) message["finish_reason"] = finishReason;
        return message;
    }

    /// <summary>Messages as a tag's value.</summary>
    public static string Json(params JsonObject[] messages) => new JsonArray([.. messages]).ToJsonString(_readable);
}
