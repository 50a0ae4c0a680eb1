using System.ComponentModel.DataAnnotations;

namespace SelfRewarding.Contracts;

/// <summary>
/// Who generates: by default the run's own model. Each stage can be handed to a server that speaks OpenAI's protocol (vLLM, llama.cpp, Ollama, a provider). What measures or
/// makes the run's models (evaluation, the judging seed) is always theirs.
/// </summary>
public sealed record EngineSettings
{
    /// <summary>Drafts of new prompts.</summary>
    public ServerSettings Prompts { get; init; } = new();

    /// <summary>Answers to prompts.</summary>
    public ServerSettings Candidates { get; init; } = new();

    /// <summary>Judgements of answers, those that checkpoints are compared by (early stopping) among them.</summary>
    public ServerSettings Judgements { get; init; } = new();
}

/// <summary>A server in place of the run's own model, and how to deal with it.</summary>
public sealed record ServerSettings
{
    /// <summary>Where its API begins, such as <c>http://127.0.0.1:8000/v1</c>; null is the run's own model. Recorded, so no secret can be part of it.</summary>
    public string? Url { get; init; }

    /// <summary>The model's name on the server.</summary>
    public string? Model { get; init; }

    /// <summary>The environment variable of the worker that holds the server's key, such as <c>OPENAI_API_KEY</c>; null sends none. Only the name is recorded.</summary>
    public string? ApiKeyVariable { get; init; }

    /// <summary>Requests to the server at once, from one worker.</summary>
    [Range(1, 1024)] public int Concurrency { get; init; } = 8;

    /// <summary>Seconds for one whole answer.</summary>
    [Range(0.001, 1_500)] public double Timeout { get; init; } = 120;

    /// <summary>How often a request is sent again that failed for now, with growing pauses.</summary>
    [Range(0, 100)] public int Retries { get; init; } = 5;

    /// <summary>Send the draw's key as <c>seed</c>; false for a server that refuses it. Whether the same seed brings the same text is the server's matter.</summary>
    public bool SendSeed { get; init; } = true;

    /// <summary>Ask for log-probabilities and record their sum; what trains needs none.</summary>
    public bool Logprobs { get; init; }
}
