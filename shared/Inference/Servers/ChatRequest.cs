using System.Text.Json.Nodes;
using SelfRewarding.Contracts;

namespace SelfRewarding.Inference;

/// <summary>
/// One request for a chat completion (https://platform.openai.com/docs/api-reference/chat/create). One sample a request: each has a seed of its own, and fails alone.
/// </summary>
internal static class ChatRequest
{
    /// <summary>The draw's key as a seed that every server takes: some keep 32 bits of it, some take no negative one.</summary>
    public static long Seed(ulong key) => (long)(key >> 33);

    /// <summary>The body, as JSON in UTF-8.</summary>
    public static BinaryData Body(ServerSettings server, string prompt, ulong key, SamplingSettings sampling)
    {
        var body = new JsonObject
        {
            ["model"] = server.Model,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
            ["temperature"] = sampling.Temperature,
            ["top_p"] = sampling.TopP,
            [LimitName(server)] = sampling.MaxNewTokens,
        };
        if (sampling.TopK > 0)
            body["top_k"] = sampling.TopK; // not OpenAI's, but known to vLLM, llama.cpp and others
        if (server.SendSeed)
            body["seed"] = Seed(key);
        if (server.Logprobs)
            body["logprobs"] = true;
        return BinaryData.FromString(body.ToJsonString());
    }

    // OpenAI's newer models take only the newer name, other servers only the older one.
    private static string LimitName(ServerSettings server) =>
        new Uri(server.Url!).Host is var host && (host.EndsWith(".openai.com", StringComparison.Ordinal) || host.EndsWith(".azure.com", StringComparison.Ordinal)) ? "max_completion_tokens" : "max_tokens";
}
