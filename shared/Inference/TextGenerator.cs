using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>One generated text.</summary>
/// <param name="Tokens">The drawn ids, without the stop token.</param>
/// <param name="LogProb">Sum of the untempered log-probabilities of the drawn tokens, the stop token included, in nats.</param>
public sealed record GeneratedText(string Text, IReadOnlyList<int> Tokens, Finish Finish, double LogProb);

/// <summary>Text in, text out, from exactly the model that a message names.</summary>
public sealed class TextGenerator(ModelPool pool, WorkerOptions options)
{
    /// <summary>Samples one text for each key. What is drawn depends on the model, the prompt, the settings and the key, and on nothing else.</summary>
    /// <exception cref="ContextLengthException">The prompt leaves no room in the model's context. It is never cut; an answer that ends at the context's end is truncated.</exception>
    public async Task<IReadOnlyList<GeneratedText>> GenerateAsync(
        ModelRef model, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken)
    {
        await using var lease = await pool.AcquireAsync(options.Locate(model.Path), model.Sha256, cancellationToken);
        var ids = lease.Tokenizer.Encode(prompt, addBos: true);
        var request = new GenerationRequest(ids, keys, new SamplingParameters(sampling.Temperature, sampling.TopP, sampling.TopK, sampling.MaxNewTokens));
        var completions = await lease.Engine.GenerateAsync(request, cancellationToken);
        return [.. completions.Select(completion => new GeneratedText(
            lease.Tokenizer.Decode(completion.TokenIds), completion.TokenIds,
            completion.FinishReason == FinishReason.Stop ? Finish.Stop : Finish.Length, completion.SumLogProb))];
    }
}
