using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace SelfRewarding.Contracts;

/// <summary>Everything that decides what a run computes. It is recorded whole in the run's first event; a resumed run uses what is recorded.</summary>
public sealed record RunSettings
{
    /// <summary>The preset that these settings were derived from.</summary>
    public string Preset { get; init; } = "kata";

    /// <summary>Every random draw is keyed by this seed.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How many times the model is trained on its own preferences: 2 gives M2 and M3.</summary>
    [Range(1, 20)]
    public int Iterations { get; init; } = 2;

    public ModelSettings Model { get; init; } = new();
    public DataSettings Data { get; init; } = new();
    public FormatSettings Format { get; init; } = new();
    public SftSettings Sft { get; init; } = new();
    public PromptSettings Prompts { get; init; } = new();
    public CandidateSettings Candidates { get; init; } = new();
    public JudgeSettings Judge { get; init; } = new();
    public PairSettings Pairs { get; init; } = new();
    public DpoSettings Dpo { get; init; } = new();
    public TrainSettings Train { get; init; } = new();
    public LoraSettings Lora { get; init; } = new();
    public EngineSettings Engines { get; init; } = new();
    public EvaluationSettings Evaluation { get; init; } = new();
}

/// <summary>M0: a folder in Hugging Face layout, or a fresh Llama of this shape with weights drawn from the run's seed.</summary>
public sealed record ModelSettings
{
    /// <summary>Folder with config.json, model.safetensors, tokenizer.json; null makes a fresh model.</summary>
    public string? Path { get; init; }

    /// <summary>How an instruction and its answer are told apart, one of <see cref="ChatTemplates.All"/>; null takes what the model's files ask for, and plain where they say nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ChatTemplate { get; init; }

    /// <summary>What the run's models compute in, one of <see cref="ComputeDtypes.All"/>; null is float32. In bfloat16 they hold their weights in it when they generate, and in float32 when they are trained.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ComputeDtype { get; init; }

    /// <summary>Width of a fresh model.</summary>
    [Range(8, 16384)] public int HiddenSize { get; init; } = 128;

    /// <summary>Width of a fresh model's feed-forward layers.</summary>
    [Range(8, 65536)] public int IntermediateSize { get; init; } = 352;

    /// <summary>Layers of a fresh model.</summary>
    [Range(1, 200)] public int Layers { get; init; } = 4;

    /// <summary>Attention heads of a fresh model.</summary>
    [Range(1, 256)] public int Heads { get; init; } = 4;

    /// <summary>Heads for keys and values of a fresh model; fewer than heads share them.</summary>
    [Range(1, 256)] public int KeyValueHeads { get; init; } = 4;

    /// <summary>Longest sequence of a fresh model, in tokens.</summary>
    [Range(16, 1_000_000)] public int MaxPositions { get; init; } = 256;

    /// <summary>Whether a fresh model reads and writes tokens with the same weights.</summary>
    public bool TieWordEmbeddings { get; init; }
}

/// <summary>The chat templates that can be asked for.</summary>
public static class ChatTemplates
{
    public static readonly IReadOnlyList<string> All = ["llama-2", "llama-3", "chatml", "zephyr", "mistral", "plain"];
}

/// <summary>What models can compute in.</summary>
public static class ComputeDtypes
{
    public static readonly IReadOnlyList<string> All = ["float32", "bfloat16"];
}

/// <summary>Seed and held-out data: files, or (all null) the Kata generator.</summary>
public sealed record DataSettings
{
    /// <summary>JSONL of <c>{"prompt", "response"}</c>.</summary>
    public string? Ift { get; init; }

    /// <summary>JSONL of <c>{"prompt", "response", "judgement", "score"}</c>, or of ranked answers, from which the SFT baseline makes such examples.</summary>
    public string? Eft { get; init; }

    /// <summary>JSONL of ranked answers that no training sees.</summary>
    public string? Heldout { get; init; }

    /// <summary>Use at most this many examples of each file, from its start; 0 is all.</summary>
    [Range(0, int.MaxValue)] public int Limit { get; init; }

    /// <summary>Kata: how many demonstrations (instruction and right answer) the seed has.</summary>
    [Range(1, 10_000_000)] public int KataIft { get; init; } = 4_000;

    /// <summary>Kata: how many judged answers the seed has.</summary>
    [Range(1, 10_000_000)] public int KataEft { get; init; } = 40_000;

    /// <summary>Kata: how many few-shot examples of drafting an instruction the seed has.</summary>
    [Range(1, 10_000_000)] public int KataDrafts { get; init; } = 2_000;

    /// <summary>Kata: longest word in a demonstration. Judged answers and held-out instructions go up to seven letters.</summary>
    [Range(3, 12)] public int KataIftMaxLetters { get; init; } = 7;
}

/// <summary>How a text is laid out for the model. <c>{prompt}</c>, <c>{response}</c> and <c>{examples}</c> are filled in.</summary>
public sealed record FormatSettings
{
    /// <summary>What the model answers to; <c>{prompt}</c> is filled in.</summary>
    [Required] public string Answer { get; init; } = "{prompt}\n";

    /// <summary>What the model judges by; <c>{prompt}</c> and <c>{response}</c> are filled in.</summary>
    [Required] public string Judge { get; init; } = "judge {prompt} -> {response}\n";

    /// <summary>What the model drafts a new prompt from; <c>{examples}</c> is filled in.</summary>
    [Required] public string Draft { get; init; } = "new\n{examples}";

    /// <summary>How one few-shot example is written inside <c>{examples}</c>.</summary>
    [Required] public string DraftExample { get; init; } = "{prompt}\n";

    /// <summary>What the model compares two judgements by; <c>{prompt}</c>, <c>{response}</c>, <c>{first}</c> and <c>{second}</c> are filled in. Null takes what goes with format.judge, where judge.meta_iterations asks for it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MetaJudge { get; init; }
}

/// <summary>Supervised fine-tuning of the baseline (IFT) and of M1 (IFT + EFT).</summary>
public sealed record SftSettings
{
    /// <summary>Optimiser steps of M1.</summary>
    [Range(1, 10_000_000)] public int Steps { get; init; } = 450;

    /// <summary>Optimiser steps of the SFT baseline.</summary>
    [Range(1, 10_000_000)] public int BaselineSteps { get; init; } = 100;

    /// <summary>Share of judging examples in M1's batches; 0 takes them in proportion to their number.</summary>
    [Range(0.0, 1.0)] public double EftShare { get; init; } = 0.6;

    /// <summary>Share of examples that teach drafting an instruction, where the seed has any.</summary>
    [Range(0.0, 1.0)] public double DraftShare { get; init; } = 0.05;

    /// <summary>Examples in an optimiser step.</summary>
    [Range(1, 65536)] public int Batch { get; init; } = 96;

    /// <summary>Where the learning rate begins (after the warm-up); it falls as half a cosine.</summary>
    [Range(0.0, 1.0)] public double LearningRate { get; init; } = 2e-3;

    /// <summary>Where the learning rate ends.</summary>
    [Range(0.0, 1.0)] public double FinalLearningRate { get; init; } = 2e-4;

    /// <summary>Steps in which the learning rate rises from nothing.</summary>
    [Range(0, 1_000_000)] public int WarmupSteps { get; init; } = 50;

    /// <summary>Share of activations that training leaves out at random.</summary>
    [Range(0.0, 0.9)] public double Dropout { get; init; }

    public OptimizerSettings Optimizer { get; init; } = new();

    /// <summary>Weights and optimiser state are saved every so many steps.</summary>
    [Range(1, 1_000_000)] public int CheckpointEvery { get; init; } = 100;
}

/// <summary>AdamW and clipping.</summary>
public sealed record OptimizerSettings
{
    /// <summary>How slowly the mean of gradients follows them.</summary>
    [Range(0.0, 0.99999)] public double Beta1 { get; init; } = 0.9;

    /// <summary>How slowly the mean of their squares follows.</summary>
    [Range(0.0, 0.99999)] public double Beta2 { get; init; } = 0.98;

    /// <summary>Added to the root of that mean.</summary>
    [Range(1e-16, 1.0)] public double Epsilon { get; init; } = 1e-8;

    /// <summary>What each step takes off the weights, times the learning rate.</summary>
    [Range(0.0, 10.0)] public double WeightDecay { get; init; } = 0.01;

    /// <summary>Global gradient norm is clipped here; 0 is off.</summary>
    [Range(0.0, 1e9)] public double MaxGradNorm { get; init; } = 1.0;
}

/// <summary>New prompts by self-instruction.</summary>
public sealed record PromptSettings
{
    /// <summary><c>model</c>: the iteration's model drafts them; otherwise the path of a JSONL file with <c>{"prompt"}</c>.</summary>
    [Required] public string Source { get; init; } = "model";

    /// <summary>How many prompts an iteration has.</summary>
    [Range(1, 100_000_000)] public int PerIteration { get; init; } = 1024;

    /// <summary>Prompts of the seed among the examples that a draft is written after.</summary>
    [Range(0, 64)] public int SeedShots { get; init; } = 6;

    /// <summary>Prompts that were accepted earlier among these examples; where there are too few, the seed fills up.</summary>
    [Range(0, 64)] public int OwnShots { get; init; } = 2;

    public SamplingSettings Sampling { get; init; } = new() { Temperature = 0.6, TopP = 0.9, MaxNewTokens = 24 };

    /// <summary>Drafts for one prompt before it is given up.</summary>
    [Range(1, 1000)] public int MaxDrafts { get; init; } = 10;

    public FilterSettings Filters { get; init; } = new();
}

/// <summary>The filters of Self-Instruct.</summary>
public sealed record FilterSettings
{
    /// <summary>A draft has at least this many words.</summary>
    [Range(0, 100_000)] public int MinWords { get; init; } = 4;

    /// <summary>A draft has at most this many words.</summary>
    [Range(1, 100_000)] public int MaxWords { get; init; } = 150;

    /// <summary>Whole words (or phrases) that a text model cannot serve.</summary>
    public IReadOnlyList<string> BannedWords { get; init; } =
        ["image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps", "draw", "plot", "go to"];

    /// <summary>What a draft may not begin with, in any case.</summary>
    public IReadOnlyList<string> BannedStarts { get; init; } = ["Write a program"];

    /// <summary>Refuse a draft that starts with punctuation or with a non-English character.</summary>
    public bool RequireEnglishStart { get; init; } = true;

    /// <summary>Refuse above this ROUGE-L F1 (strictly) against any seed or accepted prompt; 1 is off, duplicates are always refused.</summary>
    [Range(0.0, 1.0)] public double MaxRougeL { get; init; } = 0.7;
}

/// <summary>How tokens are drawn.</summary>
public sealed record SamplingSettings
{
    /// <summary>How freely tokens are drawn; 0 takes the likeliest.</summary>
    [Range(0.0, 10.0)] public double Temperature { get; init; } = 0.7;

    /// <summary>Only the likeliest tokens that come to this share are drawn from; 1 is off.</summary>
    [Range(1e-6, 1.0)] public double TopP { get; init; } = 0.9;

    /// <summary>Only so many of the likeliest tokens are drawn from; 0 is off.</summary>
    [Range(0, 1_000_000)] public int TopK { get; init; }

    /// <summary>Tokens after which a text is cut off.</summary>
    [Range(1, 1_000_000)] public int MaxNewTokens { get; init; } = 16;
}

/// <summary>Answers to each prompt.</summary>
public sealed record CandidateSettings
{
    /// <summary>N, the answers to each prompt. A preference needs two.</summary>
    [Range(2, 1024)] public int Count { get; init; } = 4;

    public SamplingSettings Sampling { get; init; } = new() { Temperature = 1.0, TopP = 1.0, MaxNewTokens = 16 };
}

/// <summary>Judgements of each answer.</summary>
public sealed record JudgeSettings
{
    /// <summary>J, the judgements of each answer.</summary>
    [Range(1, 1024)] public int Count { get; init; } = 3;

    public SamplingSettings Sampling { get; init; } = new() { Temperature = 0.7, TopP = 0.9, MaxNewTokens = 48 };

    /// <summary>A score below this is none.</summary>
    [Range(-1000.0, 1000.0)] public double MinScore { get; init; }

    /// <summary>A score above this is none.</summary>
    [Range(-1000.0, 1000.0)] public double MaxScore { get; init; } = 5;

    /// <summary>In the first so many iterations the model also compares judgements of one answer of each prompt, and is trained on the better against the worse (Meta-Rewarding's meta-judge); null is in none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Range(1, 20)] public int? MetaIterations { get; init; }

    /// <summary>Longest judgement, in characters, that may be chosen for such a pair; null sets no limit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Range(1, 10_000_000)] public int? MetaMaxLength { get; init; }

    /// <summary>Whether judgements are compared in an iteration, counted from 1.</summary>
    public bool IsMetaJudged(int iteration) => iteration <= MetaIterations;
}

/// <summary>Which of the judged answers make the pair.</summary>
public sealed record PairSettings
{
    /// <summary>The means must differ by at least this; a tie never makes a pair.</summary>
    [Range(0.0, 1000.0)] public double MinMargin { get; init; }

    /// <summary>ρ of length control (Meta-Rewarding) in all iterations; null takes the best against the worst.</summary>
    [Range(0.0, 1.0)] public double? LengthControl { get; init; }

    /// <summary>ρ of the first iteration, the second and so on, the last for those after it, in place of pairs.length_control; null takes the same in all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? LengthControlByIteration { get; init; }

    /// <summary>These settings as they are for an iteration, counted from 1.</summary>
    public PairSettings In(int iteration) =>
        LengthControlByIteration is { Count: > 0 } byIteration ? this with { LengthControl = byIteration[Math.Min(iteration, byIteration.Count) - 1] } : this;
}

/// <summary>The preference losses that can be asked for.</summary>
public static class DpoLosses
{
    public static readonly IReadOnlyList<string> All = ["sigmoid", "sigmoid_norm", "ipo", "ipo_mean", "simpo"];
}

/// <summary>Training on preference pairs.</summary>
public sealed record DpoSettings
{
    /// <summary><c>sigmoid</c> (DPO; cDPO with label smoothing), <c>sigmoid_norm</c> (the same per token of each answer; β 5 there is about 0.1 here), <c>ipo</c> (summed), <c>ipo_mean</c>, <c>simpo</c>.</summary>
    [Required] public string Loss { get; init; } = "sigmoid";

    /// <summary>How strongly the policy is held to the reference: the factor of the log-ratios' difference.</summary>
    [Range(1e-6, 1000.0)] public double Beta { get; init; } = 0.1;

    /// <summary>ε of cDPO: the share of pairs that are expected to be the wrong way round.</summary>
    [Range(0.0, 0.5)] public double LabelSmoothing { get; init; }

    /// <summary>α of iterative RPO: weight of the chosen answer's mean negative log-likelihood.</summary>
    [Range(0.0, 1000.0)] public double RpoAlpha { get; init; } = 1.0;

    /// <summary>γ of SimPO.</summary>
    [Range(0.0, 1000.0)] public double SimpoGamma { get; init; } = 1.0;

    /// <summary>Judging examples of the seed that every step shows again, by negative log-likelihood, so that judging is not forgotten; 0 is off, as in the paper.</summary>
    [Range(0, 65536)] public int ReplayJudged { get; init; }

    /// <summary>How often each pair is trained on.</summary>
    [Range(1, 1000)] public int Epochs { get; init; } = 3;

    /// <summary>Pairs in an optimiser step.</summary>
    [Range(1, 65536)] public int Batch { get; init; } = 32;

    /// <summary>Where the learning rate begins (after the warm-up); it falls as half a cosine.</summary>
    [Range(0.0, 1.0)] public double LearningRate { get; init; } = 1e-4;

    /// <summary>Where the learning rate ends.</summary>
    [Range(0.0, 1.0)] public double FinalLearningRate { get; init; } = 1e-5;

    /// <summary>Steps in which the learning rate rises from nothing.</summary>
    [Range(0, 1_000_000)] public int WarmupSteps { get; init; }

    /// <summary>Share of activations that training leaves out at random.</summary>
    [Range(0.0, 0.9)] public double Dropout { get; init; }

    public OptimizerSettings Optimizer { get; init; } = new();

    /// <summary>Weights and optimiser state are saved every so many steps.</summary>
    [Range(1, 1_000_000)] public int CheckpointEvery { get; init; } = 100;

    public EarlyStoppingSettings EarlyStopping { get; init; } = new();
}

/// <summary>What each published model is measured on.</summary>
public sealed record EvaluationSettings
{
    /// <summary>Held-out instructions to answer.</summary>
    [Range(1, 10_000_000)] public int Prompts { get; init; } = 1000;

    /// <summary>Held-out ranked prompts to judge.</summary>
    [Range(1, 10_000_000)] public int Ranked { get; init; } = 250;

    /// <summary>Judgements of each ranked answer.</summary>
    [Range(1, 100)] public int Judgements { get; init; } = 1;

    public SamplingSettings Sampling { get; init; } = new() { Temperature = 0.7, TopP = 0.9, MaxNewTokens = 16 };
}
