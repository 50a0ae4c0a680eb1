namespace SelfRewarding.Model;

/// <summary>How tokens are drawn: temperature first, then top-k, then top-p, then the inverse of the cumulative distribution at a keyed uniform number.</summary>
/// <param name="Temperature">Divides the logits; 0 is greedy.</param>
/// <param name="TopP">Keeps the smallest set of most likely tokens whose mass reaches this; 1 is off.</param>
/// <param name="TopK">Keeps this many most likely tokens; 0 is off.</param>
/// <param name="MaxNewTokens">Longest answer, in tokens.</param>
/// <param name="StopIds">Tokens that end an answer; null takes the tokenizer's end tokens.</param>
public sealed record SamplingParameters(double Temperature, double TopP, int TopK, int MaxNewTokens, IReadOnlyList<int>? StopIds = null);

/// <summary>One prompt and the samples wanted of it; they share one prefill.</summary>
/// <param name="PromptIds">At least one token, all within the vocabulary.</param>
/// <param name="SampleKeys">One key for each sample: token i is drawn with Philox(key, 0, i), whatever else runs.</param>
/// <param name="Sampling">How tokens are drawn.</param>
public sealed record GenerationRequest(int[] PromptIds, IReadOnlyList<ulong> SampleKeys, SamplingParameters Sampling);

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model drew a stop token.</summary>
    Stop,

    /// <summary>MaxNewTokens or the end of the context was reached: the answer is cut short.</summary>
    Length,
}

/// <summary>One sample.</summary>
/// <param name="TokenIds">The answer, without the stop token.</param>
/// <param name="LogProbs">Of each drawn token, the stop token included: log-probabilities in nats of the model itself, before temperature and filters.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="TimeToFirstToken">From the request's arrival to the first token.</param>
/// <param name="Duration">From the request's arrival to the last token.</param>
public sealed record Completion(int[] TokenIds, float[] LogProbs, FinishReason FinishReason, TimeSpan TimeToFirstToken, TimeSpan Duration)
{
    /// <summary>Log-probability of the whole answer, the stop token included, in nats.</summary>
    public double SumLogProb { get; } = LogProbs.Sum(logProb => (double)logProb);
}

/// <summary>A prompt leaves no room in the context. Prompts are never cut.</summary>
public sealed class ContextLengthException : ArgumentException
{
    /// <summary>For a prompt of so many tokens.</summary>
    public ContextLengthException(int promptTokens, int context)
        : base($"The prompt has {promptTokens} tokens, but the context of {context} must also hold at least one token of the answer. Shorten the prompt.")
    {
    }

    /// <summary>For a model that says it in its own words.</summary>
    public ContextLengthException(string message)
        : base(message)
    {
    }
}
