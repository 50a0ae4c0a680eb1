using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>
/// Generation in this process, by the engine of the model in the data folder. What is drawn depends on the model, the prompt, the settings and the key, and on nothing else.
/// </summary>
public sealed class LocalTextGenerator(ModelPool pool, WorkerOptions options) : ITextGenerator
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<GeneratedText>> GenerateAsync(
        RunModel model, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken)
    {
        await using var lease = await pool.AcquireAsync(options.Locate(model.Ref.Path), model.Ref.Sha256, ComputeType.Named(model.ComputeDtype), cancellationToken);
        var ids = lease.Chat.Prompt(prompt);
        var request = new GenerationRequest(ids, keys, new SamplingParameters(sampling.Temperature, sampling.TopP, sampling.TopK, sampling.MaxNewTokens, lease.Chat.StopIds));
        var completions = await lease.Engine.GenerateAsync(request, cancellationToken);
        return [.. completions.Select(completion => new GeneratedText(
            lease.Chat.Text(completion.TokenIds), completion.TokenIds,
            completion.FinishReason == FinishReason.Stop ? Finish.Stop : Finish.Length, completion.SumLogProb))];
    }
}
