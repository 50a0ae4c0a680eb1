using System.Text.Json;

namespace SelfRewarding.Model;

/// <summary>
/// Reads a <c>tokenizer.json</c>: byte-level BPE (GPT-2 kind) or SentencePiece-style BPE with byte fallback (Llama 2 kind). Whatever else a file asks for is refused by name,
/// since a tokenizer that is nearly right is wrong.
/// </summary>
public static class TokenizerFile
{
    /// <param name="path">The <c>tokenizer.json</c>.</param>
    /// <param name="eos">The ids that end an answer: the file itself does not say, generation_config.json or config.json does.</param>
    /// <exception cref="CheckpointException">The file is missing, malformed or of a kind that is not implemented.</exception>
    public static ITokenizer Load(string path, IReadOnlyList<int> eos)
    {
        var json = JsonFile.Read(path);
        return Parse(json, File.ReadAllText(path), eos);
    }

    /// <summary>The same from the text of a <c>tokenizer.json</c>; <paramref name="name"/> is what errors call it.</summary>
    public static ITokenizer Parse(string text, IReadOnlyList<int> eos, string name = "tokenizer.json") => Parse(JsonFile.Parse(name, text), text, eos);

    private static ITokenizer Parse(JsonFile json, string text, IReadOnlyList<int> eos)
    {
        var model = json.Object("model") ?? throw new CheckpointException($"{json.File}: \"model\" is missing.");
        var vocabulary = BpeVocabulary.Read(json, model);
        var bos = Bos(json);
        foreach (var id in eos)
        {
            if (id < 0 || id >= vocabulary.Size) throw new CheckpointException($"{json.File}: the end token {id} is outside the vocabulary of {vocabulary.Size}.");
        }

        return model.Bool("byte_fallback", false)
            ? SentencePieceTokenizer.Read(json, vocabulary, bos, eos, text)
            : ByteLevelTokenizer.Read(json, vocabulary, bos, eos, text);
    }

    /// <summary>The post-processor puts at most one token, and in front: TemplateProcessing "&lt;s&gt; A". ByteLevel's changes offsets only.</summary>
    private static int? Bos(JsonFile json)
    {
        if (json.Object("post_processor") is not { } processor || processor.Text("type") == "ByteLevel") return null;
        if (processor.Text("type") != "TemplateProcessing") throw Refused(json, "post_processor");
        var single = processor.Require("single").EnumerateArray().ToArray();
        return single switch
        {
            [var text] when text.TryGetProperty("Sequence", out _) => null,
            [var token, var text] when token.TryGetProperty("SpecialToken", out var special) && text.TryGetProperty("Sequence", out _) =>
                processor.Require("special_tokens").GetProperty(special.GetProperty("id").GetString()!).GetProperty("ids")[0].GetInt32(),
            _ => throw new CheckpointException($"{json.File}: \"post_processor\" puts something else than one token in front of the text, which is not implemented."),
        };
    }

    internal static CheckpointException Refused(JsonFile json, string field)
    {
        var found = json.Find(field) is { } value ? JsonFile.Short(value) : "missing";
        return new CheckpointException($"{json.File}: \"{field}\" is {found}, which is not implemented.");
    }

    /// <summary>Whether the field holds just this JSON, however it is spaced and whatever the order of its fields.</summary>
    internal static bool Is(JsonFile json, string field, string expected)
    {
        using var document = JsonDocument.Parse(expected);
        return json.Root.TryGetProperty(field, out var value) ? JsonElement.DeepEquals(value, document.RootElement) : document.RootElement.ValueKind == JsonValueKind.Null;
    }
}
