using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.DpoTrainer;

/// <summary>M0: a Hugging Face folder taken over as it is, or a fresh Llama over bytes whose weights follow from the run's seed.</summary>
public sealed class BaseModel(WorkerOptions options)
{
    /// <summary>Puts M0 beside the models that will come from it.</summary>
    /// <exception cref="CheckpointException">The folder is no model that can be run.</exception>
    public Task<ModelRef> MakeAsync(string run, RunSettings settings, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var path = Path.Combine("runs", run, "models", ModelNames.Base);
            using var model = settings.Model.Path is { } folder ? CheckpointFolder.Load(folder, chatTemplate: settings.Model.ChatTemplate) : Fresh(settings);
            return new ModelRef(ModelNames.Base, path, CheckpointFolder.Save(options.Locate(path), model));
        },
        cancellationToken);

    /// <summary>A fresh model of the shape that the settings ask for, its weights in float32.</summary>
    public static LoadedModel Fresh(RunSettings settings)
    {
        var (config, chat) = FreshShape(settings);
        return new LoadedModel(Llama.Create(config, DrawKey.For(settings.Seed, DrawPurpose.Initialisation), ComputeType.Named(settings.Model.ComputeDtype)), chat);
    }

    /// <summary>Its shape and how it reads, without any weights.</summary>
    public static (LlamaConfig Config, ChatTemplate Chat) FreshShape(RunSettings settings)
    {
        var shape = settings.Model;
        var tokenizer = ByteLevelTokenizer.ForKata();
        var config = new LlamaConfig
        {
            HiddenSize = shape.HiddenSize,
            IntermediateSize = shape.IntermediateSize,
            NumHiddenLayers = shape.Layers,
            NumAttentionHeads = shape.Heads,
            NumKeyValueHeads = shape.KeyValueHeads,
            HeadDim = shape.HiddenSize / shape.Heads,
            VocabSize = tokenizer.VocabSize,
            MaxPositionEmbeddings = shape.MaxPositions,
            RmsNormEps = 1e-5,
            TieWordEmbeddings = shape.TieWordEmbeddings,
            BosTokenId = tokenizer.Bos,
            EosTokenIds = tokenizer.Eos,
        };
        return (config, ChatTemplate.Named(shape.ChatTemplate ?? ChatTemplate.Plain, tokenizer));
    }
}
