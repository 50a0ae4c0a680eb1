using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// What the trainings of a run saw, made again from seed, settings and log as the recipes make it, for those who ask afterwards. Nothing is
/// trained, judged or written.
/// </summary>
public sealed class TrainingData(RunLog runLog, FactLog log, Ancestry ancestry, WorkerOptions options)
{
    private readonly string _run = ancestry.Start.Run;

    /// <summary>The verdicts on the seed's ranked answers; null where the seed has none, or nobody judged them yet.</summary>
    public async Task<EftBuilt?> VerdictsAsync(CancellationToken cancellationToken) =>
        await log.FindAsync(await runLog.EftStreamAsync(_run, cancellationToken), 1, cancellationToken) as EftBuilt;

    /// <summary>The judging examples: those of the seed, or made from its ranked answers as far as they are judged.</summary>
    public async Task<IReadOnlyList<JudgedExample>> JudgedAsync(SeedData seed, CancellationToken cancellationToken) =>
        seed.EftRanked.Count == 0 ? seed.EftJudged
        : await VerdictsAsync(cancellationToken) is { } built ? [.. EftSelection.Kept(built.Verdicts, seed.EftRanked).Select(made => made.Example)] : [];

    /// <summary>What the SFT baseline or M1 is trained on.</summary>
    /// <param name="judged">The judging examples; the baseline sees none.</param>
    /// <exception cref="CheckpointException">The tokenizer of M0 is not there.</exception>
    /// <exception cref="DataFileException">Not one demonstration fits into the model's context.</exception>
    public async Task<SftMixture> MixtureAsync(SeedData seed, IReadOnlyList<JudgedExample> judged, string model, CancellationToken cancellationToken)
    {
        var baseline = model == ModelNames.Baseline;
        var (config, chat) = await TokenizerAsync(ModelNames.Base, cancellationToken);
        return SftMixture.Of(seed, baseline ? [] : judged, baseline, ancestry.SettingsOf(model), chat, config.MaxPositionEmbeddings);
    }

    /// <summary>What the training on an iteration's pairs shows again; null where that is nothing.</summary>
    /// <exception cref="CheckpointException">The tokenizer of the iteration's model is not there.</exception>
    public async Task<JudgingReplay?> ReplayAsync(IReadOnlyList<JudgedExample> judged, int iteration, CancellationToken cancellationToken)
    {
        var settings = ancestry.SettingsOf(ModelNames.OfIteration(iteration + 1));
        if (settings.Dpo.ReplayJudged == 0)
            return null;
        var (config, chat) = await TokenizerAsync(ModelNames.OfIteration(iteration), cancellationToken);
        return JudgingReplay.Of(judged, settings, iteration, chat, config.MaxPositionEmbeddings);
    }

    /// <summary>An iteration's pairs in the order in which training shows them.</summary>
    /// <exception cref="CheckpointException">The tokenizer of the iteration's model is not there.</exception>
    public async Task<FrozenPairs> PairsAsync(IReadOnlyList<FrozenPair> pairs, int iteration, CancellationToken cancellationToken)
    {
        var (config, chat) = await TokenizerAsync(ModelNames.OfIteration(iteration), cancellationToken);
        return FrozenPairs.Of(pairs, iteration, ancestry.SettingsOf(ModelNames.OfIteration(iteration + 1)), chat, config.MaxPositionEmbeddings);
    }

    private async Task<(LlamaConfig Config, ChatTemplate Chat)> TokenizerAsync(string model, CancellationToken cancellationToken)
    {
        var published = (await runLog.ReadRunAsync(_run, cancellationToken)).OfType<ModelPublished>().FirstOrDefault(fact => fact.Model.Name == model)
            ?? throw new CheckpointException($"Run '{_run}' has not published {model}: there is no tokenizer to read its data with.");
        return CheckpointFolder.LoadTokenizer(options.Locate(published.Model.Path));
    }
}
