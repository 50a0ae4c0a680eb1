using SelfRewarding.Contracts;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>One generated text.</summary>
/// <param name="Tokens">The drawn ids, without the stop token.</param>
/// <param name="LogProb">Sum of the untempered log-probabilities of the drawn tokens, the stop token included, in nats.</param>
public sealed record GeneratedText(string Text, IReadOnlyList<int> Tokens, Finish Finish, double LogProb);

/// <summary>Text in, text out, from exactly the model that a message names. May be called from many tasks at once.</summary>
public interface ITextGenerator
{
    /// <summary>Samples one text for each key, in the order of the keys.</summary>
    /// <exception cref="ContextLengthException">The prompt leaves no room in the model's context. It is never cut; an answer that ends at the context's end is truncated.</exception>
    Task<IReadOnlyList<GeneratedText>> GenerateAsync(
        ModelRef model, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken);
}
