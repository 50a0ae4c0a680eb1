using SelfRewarding.Contracts;
using SelfRewarding.Datasets;

namespace SelfRewarding.Control.Settings;

/// <summary>The named starting points that a run's settings are derived from. The one place where their figures stand.</summary>
public static class Presets
{
    /// <summary>Tiny instructions whose right answers are known, and a fresh 0.8 M-parameter Llama: the whole method, measured, on two cores.</summary>
    public static RunSettings Kata { get; } = new()
    {
        Preset = "kata",
        Model = new() { HiddenSize = 128, IntermediateSize = 352, Layers = 4, Heads = 4, KeyValueHeads = 4, MaxPositions = 256, TieWordEmbeddings = true },
        Data = new() { KataIft = 2_000, KataEft = 15_000, KataDrafts = 3_000, KataIftMaxLetters = 7 },
        Sft = new()
        {
            Steps = 500,
            BaselineSteps = 150,
            EftShare = 0.78, // the judge has to be good first
            DraftShare = 0.14,
            Batch = 96,
            LearningRate = 2e-3,
            FinalLearningRate = 2e-4,
            WarmupSteps = 50,
            Optimizer = new() { Beta1 = 0.9, Beta2 = 0.98, WeightDecay = 0.01, MaxGradNorm = 1.0 },
            CheckpointEvery = 100,
        },
        Prompts = new()
        {
            PerIteration = 2_000,
            SeedShots = 3,
            OwnShots = 1,
            Sampling = new() { Temperature = 1.0, TopP = 1.0, MaxNewTokens = 24 }, // cooler, the drafts gather on what is easy
            Filters = new() { MinWords = 2, MaxWords = 2, BannedWords = [], BannedStarts = [], RequireEnglishStart = true, MaxRougeL = 0.7 },
        },
        Candidates = new() { Count = 4, Sampling = new() { Temperature = 1.0, TopP = 1.0, MaxNewTokens = 24 } },
        Judge = new() { Count = 3, Sampling = new() { Temperature = 0.7, TopP = 0.9, MaxNewTokens = 96 } },
        Pairs = new() { MinMargin = 1 }, // of pairs that differ by less, a third is the wrong way round
        Dpo = new()
        {
            Beta = 0.1,
            RpoAlpha = 1, // plain DPO pushes down what chosen and rejected share, and here they share nearly all
            ReplayJudged = 32, // without it the judge loses half a point of pairwise accuracy an iteration
            Epochs = 3,
            Batch = 32,
            LearningRate = 5e-5,
            FinalLearningRate = 5e-6,
            WarmupSteps = 10,
            Optimizer = new() { Beta1 = 0.9, Beta2 = 0.98, WeightDecay = 0, MaxGradNorm = 1.0 },
            CheckpointEvery = 25,
        },
        Evaluation = new() { Prompts = 1_000, Ranked = 250, Judgements = 3, Sampling = new() { Temperature = 0.7, TopP = 0.9, MaxNewTokens = 24 } },
    };

    /// <summary>
    /// The figures of Yuan et al. 2024 (arXiv 2401.10020). They give neither the number of steps (they stop early), nor AdamW's
    /// parameters, nor length limits: those are at most one pass over their data, PyTorch's defaults, and room for their longest mean answer.
    /// Their checkpoints are compared by Claude 2; here by the model that judged the pairs, or the server that is asked for judgements.
    /// </summary>
    public static RunSettings Paper { get; } = new()
    {
        Preset = "paper",
        Format = PaperFormat.Settings,
        Sft = new()
        {
            Steps = 302, // (3,200 IFT + 1,630 EFT) / 16
            BaselineSteps = 200, // 3,200 IFT / 16
            EftShare = 0,
            DraftShare = 0,
            Batch = 16,
            LearningRate = 5.5e-6,
            FinalLearningRate = 1.1e-6,
            WarmupSteps = 0,
            Dropout = 0.1,
            Optimizer = PyTorchAdamW,
            CheckpointEvery = 200,
        },
        Prompts = new()
        {
            Source = "model",
            PerIteration = 5_000,
            SeedShots = 6,
            OwnShots = 2,
            Sampling = new() { Temperature = 0.6, TopP = 0.9, MaxNewTokens = 256 },
        },
        Candidates = new() { Count = 4, Sampling = PaperSampling(maxNewTokens: 1024) },
        Judge = new() { Count = 3, Sampling = PaperSampling(maxNewTokens: 512), MinScore = 0, MaxScore = 5 },
        Pairs = new() { MinMargin = 0, LengthControl = null },
        Dpo = new()
        {
            Loss = "sigmoid",
            Beta = 0.1,
            LabelSmoothing = 0,
            RpoAlpha = 0,
            Epochs = 1,
            Batch = 16,
            LearningRate = 1e-6,
            FinalLearningRate = 1e-7,
            WarmupSteps = 0,
            Dropout = 0.1,
            Optimizer = PyTorchAdamW,
            CheckpointEvery = 200,
            EarlyStopping = new() { Every = 200, Prompts = 253, Judgements = 3 },
        },
        Evaluation = new() { Prompts = 256, Ranked = 541, Judgements = 3, Sampling = PaperSampling(maxNewTokens: 1024) },
    };

    /// <summary>
    /// The figures of Meta-Rewarding (Wu et al. 2024, arXiv 2407.19594): four iterations, seven answers to a prompt, eleven judgements of each, length control with a ρ for each iteration, and a meta-judge in the first
    /// two, the last two being trained on answers alone. Up to which length a judgement may be chosen is our own figure, twice the hundred words that the judge is asked for; what it takes over from the paper before
    /// stands as in <see cref="Paper"/>.
    /// </summary>
    public static RunSettings Meta { get; } = Paper with
    {
        Preset = "meta",
        Iterations = 4,
        Format = PaperFormat.Settings, // what goes with it for comparing judgements: MetaJudgeSettings
        Candidates = new() { Count = 7, Sampling = new() { Temperature = 0.8, TopP = 0.95, MaxNewTokens = 1024 } },
        Judge = new() { Count = 11, Sampling = new() { Temperature = 0.8, TopP = 0.95, MaxNewTokens = 512 }, MinScore = 0, MaxScore = 5, MetaIterations = 2, MetaMaxLength = 1_200 },
        Pairs = new() { MinMargin = 0, LengthControlByIteration = [0, 0.32, 0.32, 0.4] },
    };

    /// <summary>Every preset by name.</summary>
    public static IReadOnlyDictionary<string, RunSettings> All { get; } =
        new[] { Kata, Paper, Meta }.ToDictionary(preset => preset.Preset, StringComparer.Ordinal);

    /// <summary>What a preset for a model and data of one's own still has to be given; null where that is nothing.</summary>
    public static string? MissingData(string preset, bool hasData) => preset != Kata.Preset && All.ContainsKey(preset) && !hasData
        ? $"Preset {preset} is for a model and data of your own: give --model, --ift, --eft and --heldout."
        : null;

    private static OptimizerSettings PyTorchAdamW => new() { Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8, WeightDecay = 0.01, MaxGradNorm = 1.0 };

    private static SamplingSettings PaperSampling(int maxNewTokens) => new() { Temperature = 0.7, TopP = 0.9, MaxNewTokens = maxNewTokens };
}
