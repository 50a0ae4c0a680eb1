using SelfRewarding.Contracts;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>One generated text.</summary>
/// <param name="Tokens">The drawn ids, without the stop token; empty where a server drew them.</param>
/// <param name="LogProb">Sum of the untempered log-probabilities of the drawn tokens, the stop token included, in nats; null where a server told none.</param>
/// <param name="Server">The server that wrote it; null for the run's own model.</param>
public sealed record GeneratedText(string Text, IReadOnlyList<int> Tokens, Finish Finish, double? LogProb, ServedBy? Server = null)
{
    /// <summary>Tokens that were written; 0 where a server counted none.</summary>
    public int TokenCount => Server is null ? Tokens.Count : (int)(Server.OutputTokens ?? 0);
}

/// <summary>Text in, text out. May be called from many tasks at once.</summary>
public interface ITextGenerator
{
    /// <summary>Samples one text for each key, in the order of the keys.</summary>
    /// <param name="model">The run's model: exactly it generates, or a server in its place.</param>
    /// <exception cref="ContextLengthException">The prompt leaves no room in the model's context. It is never cut; an answer that ends at the context's end is truncated.</exception>
    /// <exception cref="ServerUnavailableException">A server failed for now.</exception>
    /// <exception cref="ServerRefusedException">A server failed for good.</exception>
    Task<IReadOnlyList<GeneratedText>> GenerateAsync(
        RunModel model, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken);
}
