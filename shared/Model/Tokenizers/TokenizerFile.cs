namespace SelfRewarding.Model;

/// <summary>
/// Reads a <c>tokenizer.json</c>: byte-level BPE (GPT-2, Llama 3, Qwen2, SmolLM2) or SentencePiece-style BPE with byte fallback (Llama 2, Mistral, TinyLlama). Whatever else a
/// file asks for is refused by name, since a tokenizer that is nearly right is wrong.
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
        try
        {
            return Read(json, text, eos);
        }
        catch (InvalidOperationException e)
        {
            // JSON's escapes can write what is no text; the reader finds it out only when the text is asked for.
            throw new CheckpointException($"{json.File}: a text in it holds half of a surrogate pair, which is no character.", e);
        }
    }

    private static ITokenizer Read(JsonFile json, string text, IReadOnlyList<int> eos)
    {
        var model = json.Object("model") ?? throw new CheckpointException($"{json.File}: \"model\" is missing.");
        var vocabulary = BpeVocabulary.Read(json, model, eos);
        var bos = Bos(json);
        foreach (var (what, id) in eos.Select(id => ("end", id)).Concat(bos is { } first ? [("first", first)] : []))
        {
            if (id < 0 || id >= vocabulary.Size) throw new CheckpointException($"{json.File}: the {what} token {id} is outside the vocabulary of {vocabulary.Size}.");
        }

        return model.Bool("byte_fallback", false)
            ? SentencePieceTokenizer.Read(json, vocabulary, bos, eos, text)
            : ByteLevelTokenizer.Read(json, vocabulary, bos, eos, text);
    }

    /// <summary>The post-processor puts at most one token, and in front: TemplateProcessing "&lt;s&gt; A". ByteLevel's changes offsets only.</summary>
    private static int? Bos(JsonFile json)
    {
        var steps = json.Steps("post_processor", "processors").Where(step => step.Text("type") != "ByteLevel").ToList();
        return steps switch
        {
            [] => null,
            [var template] when template.Text("type") == "TemplateProcessing" => Bos(json, template),
            _ => throw Refused(json, "post_processor"),
        };
    }

    private static int? Bos(JsonFile json, JsonFile template)
    {
        var single = template.Objects("single");
        if (single.Count is < 1 or > 2 || single[^1].Object("Sequence") is null || (single.Count == 2 && single[0].Object("SpecialToken") is null))
            throw new CheckpointException($"{json.File}: \"post_processor\" puts something else than one token in front of the text, which is not implemented.");
        if (single.Count == 1) return null;
        var token = single[0].Object("SpecialToken")?.Text("id") ?? "";
        return template.Object("special_tokens")?.Object(token)?.Ints("ids") is [var id] ? id
            : throw new CheckpointException($"{json.File}: \"post_processor\" puts \"{token}\" in front of the text, expected it among its special_tokens with one id.");
    }

    internal static CheckpointException Refused(JsonFile json, string field)
    {
        var found = json.Find(field) is { } value ? JsonFile.Short(value) : "missing";
        return new CheckpointException($"{json.File}: \"{field}\" is {found}, which is not implemented.");
    }

    /// <summary>The refusal of a whole step.</summary>
    internal static CheckpointException Refused(JsonFile step) => new($"{step.File} is {JsonFile.Short(step.Root)}, which is not implemented.");
}
