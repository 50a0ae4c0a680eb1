using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// How long a token takes. The log does not say: the times of its events hold the wait in the queue, too. So a small real generation is recorded, by a fresh model of Kata's
/// shape with all slots full; a large model's step is computed from what it has to read.
/// </summary>
internal static class EngineStep
{
    /// <summary>
    /// A 7B model on a data-centre GPU: a step of 64 sequences reads 13.5 GB of weights in bf16, and of each sequence's cache some 350 tokens of 0.5 MB (Llama 2 7B), 25 GB
    /// together; at 2 TB/s (an A100 of 80 GB) that takes 19 ms.
    /// </summary>
    public static readonly TimeSpan OfLargeModel = TimeSpan.FromMilliseconds(20);

    private const int Prompts = 48;

    /// <summary>The recorded time of a token, all slots full, on this machine.</summary>
    public static async Task<TimeSpan> RecordAsync(WorkerOptions options, CancellationToken cancellationToken)
    {
        var settings = Presets.Kata;
        var model = await new BaseModel(options).MakeAsync("recorded", settings, cancellationToken);
        await using var pool = new ModelPool(slots: options.Slots);
        await using var lease = await pool.AcquireAsync(options.Locate(model.Path), model.Sha256, cancellationToken);
        var sampling = settings.Candidates.Sampling;
        var parameters = new SamplingParameters(sampling.Temperature, sampling.TopP, sampling.TopK, sampling.MaxNewTokens);
        var seconds = await Task.WhenAll(Enumerable.Range(0, Prompts).Select(async prompt =>
        {
            var ids = lease.Tokenizer.Encode(new PromptFormat(settings.Format).Answer(RecordedTexts.Draft((ulong)prompt * 7919).Text), addBos: true);
            var keys = Enumerable.Range(0, settings.Candidates.Count).Select(candidate => DrawKey.For(1, DrawPurpose.Candidate, 1, prompt, candidate)).ToList();
            var completions = await lease.Engine.GenerateAsync(new GenerationRequest(ids, keys, parameters), cancellationToken);
            return completions.Where(completion => completion.LogProbs.Length > 1)
                .Select(completion => (completion.Duration - completion.TimeToFirstToken).TotalSeconds / (completion.LogProbs.Length - 1)).ToList();
        }));
        return TimeSpan.FromSeconds(seconds.SelectMany(list => list).Average());
    }
}
