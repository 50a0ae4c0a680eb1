using System.Security.Cryptography;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// A model's folder in Hugging Face's layout: config.json, model.safetensors (or shards with model.safetensors.index.json), tokenizer.json and generation_config.json. What is
/// saved here loads in transformers, vLLM and llama.cpp's converter: the same keys, types and files as in the folder that the model came from.
/// </summary>
public static class CheckpointFolder
{
    /// <summary>Bytes of numbers in one file of weights, as transformers has it.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    internal const string Config = "config.json", TokenizerJson = "tokenizer.json", TokenizerConfig = "tokenizer_config.json", GenerationConfig = "generation_config.json";

    /// <summary>Loads a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="expectedSha256">What <see cref="Sha256"/> must be; null accepts any.</param>
    /// <param name="chatTemplate">The chat template's name; null takes the one that the folder's files ask for.</param>
    /// <param name="device">Where the weights are to lie, and so where the model computes; null is main memory.</param>
    /// <param name="compute">What the model computes in, see <see cref="Llama.Compute"/>; weights are held in it, too.</param>
    /// <param name="masterWeights">Holds every weight in float32 whatever the model computes in: for a training.</param>
    /// <exception cref="CheckpointException">A file is missing, malformed or contradicts another, or the weights' hash differs.</exception>
    public static LoadedModel Load(
        string folder, string? expectedSha256 = null, string? chatTemplate = null, torch.Device? device = null, torch.ScalarType compute = torch.ScalarType.Float32, bool masterWeights = false)
    {
        if (!Directory.Exists(folder)) throw new CheckpointException($"The model folder '{folder}' is missing.");
        if (expectedSha256 is not null && Sha256(folder) is var sha256 && !sha256.Equals(expectedSha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new CheckpointException(
                $"The weights in '{folder}' have SHA-256 {sha256}, expected {expectedSha256}: another model lies there. Put the right files back, or start a new run.");
        }

        var (config, chat) = LoadTokenizer(folder, chatTemplate);
        var (model, types) = LoadWeights(folder, config, device, compute, masterWeights);
        return new LoadedModel(model, chat) { Files = ModelFiles.Read(folder) with { Types = types } };
    }

    /// <summary>
    /// Loads all of a folder but its weights: enough to see texts as the model does. Of generation_config.json the end tokens count, before those of config.json; how to sample is
    /// for whoever asks for an answer to say, so its temperature, penalties and lengths are carried along only.
    /// </summary>
    /// <exception cref="CheckpointException">A file is missing, malformed or contradicts another.</exception>
    public static (LlamaConfig Config, ChatTemplate Chat) LoadTokenizer(string folder, string? chatTemplate = null)
    {
        var config = LlamaConfig.Load(Path.Combine(folder, Config));
        var generation = Path.Combine(folder, GenerationConfig);
        if (File.Exists(generation) && JsonFile.Read(generation).Ints("eos_token_id") is { } eos) config = config with { EosTokenIds = eos };
        var tokenizer = TokenizerFile.Load(Path.Combine(folder, TokenizerJson), config.EosTokenIds);
        return tokenizer.VocabSize <= config.VocabSize
            ? (config, ChatTemplateSource.For(folder, tokenizer, chatTemplate))
            : throw new CheckpointException($"'{folder}': tokenizer.json has {tokenizer.VocabSize} tokens, more than the vocab_size {config.VocabSize} of config.json.");
    }

    /// <summary>
    /// Saves a folder, the weights last, so that a folder with weights is complete. Each file is there whole or not at all, and saving again replaces it. Weights are rounded to the
    /// types that they came in, so what is published is the rounded model, for all who load it.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">The model.</param>
    /// <param name="masterWeights">Keeps every weight in float32, and remembers the types to publish in: for a training that goes on from this folder.</param>
    /// <param name="shardBytes">Bytes of numbers in one file of weights; more go into several, with an index.</param>
    /// <returns>SHA-256 of the weights, see <see cref="Sha256"/>.</returns>
    /// <exception cref="CheckpointException">A file cannot be written, as when the disk is full.</exception>
    public static string Save(string folder, LoadedModel model, bool masterWeights = false, long shardBytes = DefaultShardBytes)
    {
        var (config, files) = (model.Model.Config, model.Files);
        AtomicFile.WriteText(Path.Combine(folder, TokenizerJson), model.Tokenizer.ToJson());
        foreach (var (name, bytes) in files.For(config, model.Chat)) AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(bytes));
        AtomicFile.WriteText(Path.Combine(folder, Config), files.Config ?? config.ToJson());
        return WeightFiles.Write(folder, model.Model.Parameters, files.Types, masterWeights, shardBytes);
    }

    /// <summary>Copies a folder that <see cref="Save"/> wrote as that writes one: the weights last, and each file whole or not at all. Nothing is loaded.</summary>
    /// <exception cref="CheckpointException">A file is missing, or cannot be written.</exception>
    public static void Copy(string from, string to)
    {
        foreach (var name in (string[])[TokenizerJson, .. ModelFiles.Read(from).Others.Keys, Config]) AtomicFile.Copy(Path.Combine(from, name), Path.Combine(to, name));
        WeightFiles.Copy(from, to);
    }

    /// <summary>The identity of a model: SHA-256 of the bytes of model.safetensors, or of all its shards one after another in the order of their names; lower-case hexadecimal.</summary>
    public static string Sha256(string folder) => HashOf(WeightFiles.Find(folder));

    /// <summary>SHA-256 of the bytes of files, one after another.</summary>
    internal static string HashOf(IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        foreach (var file in files)
        {
            try
            {
                using var stream = File.OpenRead(file);
                for (int read; (read = stream.Read(buffer)) > 0;) hash.AppendData(buffer, 0, read);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CheckpointException($"'{file}' cannot be read: {e.Message}", e);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static (Llama Model, IReadOnlyDictionary<string, string> Types) LoadWeights(
        string folder, LlamaConfig config, torch.Device? device, torch.ScalarType compute, bool masterWeights)
    {
        var files = WeightFiles.Open(folder);
        var loaded = new List<KeyValuePair<string, Tensor>>();
        try
        {
            var shapes = ParameterShape.Of(config);
            RefuseUnknown(files, shapes, config);
            foreach (var shape in shapes)
            {
                // Checked against the header, before a wrong shape's memory is taken.
                var file = files.FirstOrDefault(file => file.Tensors.ContainsKey(shape.Name))
                    ?? throw new CheckpointException($"'{files[0].Path}': tensor '{shape.Name}' is missing (config.json: {shape.Reason}).");
                shape.Check(file.Tensors[shape.Name].Shape);
                loaded.Add(KeyValuePair.Create(shape.Name, file.Read(shape.Name, masterWeights ? torch.ScalarType.Float32 : compute)));
                RefuseNotFinite(file, shape.Name, loaded[^1].Value);
                loaded[^1] = KeyValuePair.Create(shape.Name, ComputeDevice.Move(loaded[^1].Value, device));
            }

            return (new Llama(config, new Parameters(loaded), compute), WeightFiles.TypesOf(files));
        }
        catch
        {
            foreach (var (_, tensor) in loaded) tensor.Dispose();
            throw;
        }
        finally
        {
            foreach (var file in files) file.Dispose();
        }
    }

    private static void RefuseUnknown(IReadOnlyList<SafeTensors> files, IReadOnlyList<ParameterShape> shapes, LlamaConfig config)
    {
        var known = shapes.Select(shape => shape.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var name in file.Tensors.Keys)
            {
                // A tied head saved by others, and the tables of old checkpoints, say nothing new.
                var redundant = name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) || (name == "lm_head.weight" && config.TieWordEmbeddings);
                if (!redundant && !known.Contains(name))
                    throw new CheckpointException($"'{file.Path}': tensor '{name}' belongs to no part of a {config.ModelType} model with this config.json.");
            }
        }
    }

    private static void RefuseNotFinite(SafeTensors file, string name, Tensor tensor)
    {
        using var flat = tensor.view(-1);
        for (var at = 0L; at < flat.numel(); at += SafeTensors.PieceLength)
        {
            using var scope = torch.NewDisposeScope();
            var piece = flat.narrow(0, at, Math.Min(SafeTensors.PieceLength, flat.numel() - at)).to_type(torch.ScalarType.Float32);
            if (double.IsFinite(Kernels.SquaredNorm(piece))) continue;
            var numbers = piece.data<float>().ToArray();
            var place = Array.FindIndex(numbers, number => !float.IsFinite(number));
            throw new CheckpointException($"'{file.Path}': tensor '{name}' has {numbers[place]} at {at + place}: the file is damaged, or the training that wrote it diverged.");
        }
    }
}
