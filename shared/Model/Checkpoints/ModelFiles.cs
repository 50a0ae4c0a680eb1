using System.Text;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>
/// What came with a model and is carried along to whatever is made of it: every field of config.json, the files of its tokenizer and its generation_config.json, and the types of
/// its weights. They are changed only where the model now reads instructions or ends answers in another way than they say.
/// </summary>
public sealed record ModelFiles
{
    private const string ChatJinja = "chat_template.jinja", ChatJson = "chat_template.json", ChatField = "chat_template", EndField = "eos_token_id";

    /// <summary>Beside tokenizer.json, which the tokenizer itself keeps.</summary>
    private static readonly string[] Carried =
    [
        CheckpointFolder.GenerationConfig, CheckpointFolder.TokenizerConfig, "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model", ChatJinja, ChatJson,
    ];

    /// <summary>A model that was made here has brought nothing.</summary>
    public static ModelFiles None { get; } = new();

    /// <summary>The text of config.json.</summary>
    public string? Config { get; init; }

    /// <summary>The chat template that the files ask for; null for none.</summary>
    public string? ChatSource { get; init; }

    /// <summary>The bytes of the other files, by name.</summary>
    public IReadOnlyDictionary<string, byte[]> Others { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>F16 or BF16 for each tensor that is stored so; the others are F32.</summary>
    public IReadOnlyDictionary<string, string> Types { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads those of a folder, without <see cref="Types"/>.</summary>
    /// <exception cref="CheckpointException">A file cannot be read.</exception>
    internal static ModelFiles Read(string folder)
    {
        try
        {
            return new ModelFiles
            {
                Config = File.ReadAllText(Path.Combine(folder, CheckpointFolder.Config)),
                ChatSource = ChatTemplateSource.Read(folder),
                Others = Carried.Where(name => File.Exists(Path.Combine(folder, name))).ToDictionary(name => name, name => File.ReadAllBytes(Path.Combine(folder, name))),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"A file of '{folder}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The files to save beside a model of this config that reads instructions so.</summary>
    internal IReadOnlyDictionary<string, byte[]> For(LlamaConfig config, ChatTemplate chat)
    {
        var files = new Dictionary<string, byte[]>(Others);
        if (chat.Source != ChatSource || !files.ContainsKey(CheckpointFolder.TokenizerConfig))
        {
            files.Remove(ChatJinja);
            files.Remove(ChatJson);
            files[CheckpointFolder.TokenizerConfig] = Changed(CheckpointFolder.TokenizerConfig, new() { ["tokenizer_class"] = "PreTrainedTokenizerFast" }, settings =>
            {
                settings.Remove(ChatField);
                if (chat.Source is null) return;
                (settings["bos_token"], settings["eos_token"]) = chat.TokenNames;
                settings[ChatField] = chat.Source;
            });
        }

        if (!files.ContainsKey(CheckpointFolder.GenerationConfig) || !chat.StopIds.SequenceEqual(chat.Tokenizer.Eos))
        {
            files[CheckpointFolder.GenerationConfig] = Changed(
                CheckpointFolder.GenerationConfig,
                new() { ["_from_model_config"] = true, ["bos_token_id"] = config.BosTokenId },
                settings => settings[EndField] = chat.StopIds.Count == 1 ? chat.StopIds[0] : new JsonArray([.. chat.StopIds.Select(id => (JsonNode)id)]));
        }

        return files;
    }

    /// <summary>A JSON file as it came, or the fields that one made here has, with some changed.</summary>
    private byte[] Changed(string name, JsonObject fresh, Action<JsonObject> change)
    {
        var settings = Others.TryGetValue(name, out var bytes) ? JsonObject.Create(JsonFile.Parse(name, Encoding.UTF8.GetString(bytes)).Root)! : fresh;
        change(settings);
        return Encoding.UTF8.GetBytes(JsonFile.Indented(settings));
    }
}
