using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// A model's folder in Hugging Face's layout: config.json, model.safetensors (or shards with model.safetensors.index.json), tokenizer.json and generation_config.json. What is
/// saved here loads in transformers, vLLM and llama.cpp's converter.
/// </summary>
public static class CheckpointFolder
{
    private const string Config = "config.json", Weights = "model.safetensors", Index = "model.safetensors.index.json";
    private const string TokenizerJson = "tokenizer.json", TokenizerConfig = "tokenizer_config.json", GenerationConfig = "generation_config.json";

    /// <summary>Loads a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="expectedSha256">What <see cref="Sha256"/> must be; null accepts any.</param>
    /// <param name="chatTemplate">The chat template's name; null takes the one that the folder's files ask for.</param>
    /// <exception cref="CheckpointException">A file is missing, malformed or contradicts another, or the weights' hash differs.</exception>
    public static LoadedModel Load(string folder, string? expectedSha256 = null, string? chatTemplate = null)
    {
        if (!Directory.Exists(folder)) throw new CheckpointException($"The model folder '{folder}' is missing.");
        if (expectedSha256 is not null && Sha256(folder) is var sha256 && !sha256.Equals(expectedSha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new CheckpointException(
                $"The weights in '{folder}' have SHA-256 {sha256}, expected {expectedSha256}: another model lies there. Put the right files back, or start a new run.");
        }

        var (config, chat) = LoadTokenizer(folder, chatTemplate);
        return new LoadedModel(LoadWeights(folder, config), chat);
    }

    /// <summary>Loads all of a folder but its weights: enough to see texts as the model does.</summary>
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
    /// Saves a folder, the weights last, so that a folder with weights is complete. Each file is there whole or not at all, and saving again replaces it.
    /// </summary>
    /// <returns>SHA-256 of the weights, see <see cref="Sha256"/>.</returns>
    /// <exception cref="CheckpointException">A file cannot be written, as when the disk is full.</exception>
    public static string Save(string folder, LoadedModel model)
    {
        var config = model.Model.Config;
        AtomicFile.WriteText(Path.Combine(folder, TokenizerJson), model.Tokenizer.ToJson());
        AtomicFile.WriteText(Path.Combine(folder, TokenizerConfig), Indented(TokenizerSettings(model.Chat)));
        AtomicFile.WriteText(Path.Combine(folder, GenerationConfig), Indented(new JsonObject
        {
            ["_from_model_config"] = true,
            ["bos_token_id"] = config.BosTokenId,
            ["eos_token_id"] = model.Chat.StopIds.Count == 1 ? model.Chat.StopIds[0] : new JsonArray([.. model.Chat.StopIds.Select(id => (JsonNode)id)]),
        }));
        AtomicFile.WriteText(Path.Combine(folder, Config), config.ToJson());
        return SafeTensors.Write(Path.Combine(folder, Weights), model.Model.Parameters);
    }

    /// <summary>The identity of a model: SHA-256 of the bytes of model.safetensors, or of all its shards one after another in the order of their names; lower-case hexadecimal.</summary>
    public static string Sha256(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        foreach (var file in WeightFiles(folder))
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

    private static Llama LoadWeights(string folder, LlamaConfig config)
    {
        var files = WeightFiles(folder).Select(SafeTensors.Open).ToList();
        var loaded = new List<KeyValuePair<string, Tensor>>();
        try
        {
            var shapes = ParameterShape.Of(config);
            RefuseUnknown(files, shapes, config);
            foreach (var shape in shapes)
            {
                // Checked against the header, before a wrong shape's memory is taken.
                var file = files.Find(file => file.Tensors.ContainsKey(shape.Name))
                    ?? throw new CheckpointException($"'{files[0].Path}': tensor '{shape.Name}' is missing (config.json: {shape.Reason}).");
                shape.Check(file.Tensors[shape.Name].Shape);
                loaded.Add(KeyValuePair.Create(shape.Name, file.Read(shape.Name)));
            }

            return new Llama(config, new Parameters(loaded));
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

    private static void RefuseUnknown(List<SafeTensors> files, IReadOnlyList<ParameterShape> shapes, LlamaConfig config)
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

    private static IEnumerable<string> WeightFiles(string folder)
    {
        var index = Path.Combine(folder, Index);
        if (File.Exists(Path.Combine(folder, Weights)) || !File.Exists(index)) return [Path.Combine(folder, Weights)];
        var map = JsonFile.Read(index).Object("weight_map") ?? throw new CheckpointException($"{index}: \"weight_map\" is missing.");
        var names = map.Root.EnumerateObject().Select(tensor => map.Text(tensor.Name) ?? "").Distinct().Order(StringComparer.Ordinal).ToArray();
        var outside = Array.Find(names, name => name.Length == 0 || Path.GetFileName(name) != name);
        return outside is null ? names.Select(name => Path.Combine(folder, name)) : throw new CheckpointException($"{index}: \"{outside}\" is not the name of a file beside it.");
    }

    private static JsonObject TokenizerSettings(ChatTemplate chat)
    {
        var settings = new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast" };
        if (chat.Source is null) return settings;
        (settings["bos_token"], settings["eos_token"]) = chat.TokenNames;
        settings["chat_template"] = chat.Source;
        return settings;
    }

    private static string Indented(JsonObject json) => json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
}
