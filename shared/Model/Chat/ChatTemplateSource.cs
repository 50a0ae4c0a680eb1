using System.Text.RegularExpressions;
using static SelfRewarding.Model.ChatMarkers;

namespace SelfRewarding.Model;

/// <summary>
/// What a model's folder says about its chat template: a Jinja program, of which the family is recognised by its markers. The program itself is never run.
/// </summary>
public static partial class ChatTemplateSource
{
    private const string JinjaFile = "chat_template.jinja", TokenizerConfig = "tokenizer_config.json", Field = "chat_template";

    /// <summary>The template of a folder: <c>chat_template.jinja</c>, or the field of <c>tokenizer_config.json</c> (of several the one named default); null where there is none.</summary>
    /// <exception cref="CheckpointException">A file is malformed.</exception>
    public static string? Read(string folder)
    {
        var jinja = Path.Combine(folder, JinjaFile);
        if (File.Exists(jinja)) return ReadText(jinja);
        var config = Path.Combine(folder, TokenizerConfig);
        if (!File.Exists(config)) return null;
        try
        {
            var json = JsonFile.Read(config);
            return json.Find(Field) is { ValueKind: System.Text.Json.JsonValueKind.Array }
                ? json.Objects(Field).FirstOrDefault(template => template.Text("name") == "default")?.Text("template")
                : json.Text(Field);
        }
        catch (InvalidOperationException e)
        {
            throw new CheckpointException($"{config}: a text in it holds half of a surrogate pair, which is no character.", e);
        }
    }

    /// <summary>The template that a folder's files ask for: plain where they say nothing.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <exception cref="CheckpointException">A file is malformed, or its template is of no family that is known.</exception>
    public static string NameIn(string folder) => Name(folder, Read(folder));

    /// <summary>The template for a tokenizer in a folder.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="name">The template to take whatever the files say; null asks them.</param>
    /// <exception cref="CheckpointException">The files' template is of no known family and none is named, or the tokenizer lacks a token of it.</exception>
    public static ChatTemplate For(string folder, ITokenizer tokenizer, string? name)
    {
        var source = Read(folder);
        return ChatTemplate.Named(name ?? Name(folder, source), tokenizer, source);
    }

    /// <summary>The family of a Jinja template, by the markers in it; null for one that is not known.</summary>
    internal static string? Family(string source)
    {
        return Has(StartOfTurn) && Has(EndOfTurn) && !Has("<|im_sep|>") ? "chatml"
            : Has(StartOfHeader) && Has(EndOfHeader) && Has(EndOfMessage) ? "llama-3"
            : Has(StartOfInstruction) && Has("<<SYS>>") ? "llama-2"
            : Has(StartOfInstruction) && !Has("[SYSTEM_PROMPT]") ? "mistral"
            : Has(Assistant) && ZephyrTurn().IsMatch(source) ? "zephyr"
            : null;

        bool Has(string marker) => source.Contains(marker, StringComparison.Ordinal);
    }

    /// <summary>The system message that a ChatML template puts before a conversation that has none.</summary>
    internal static string? SystemMessage(string source, string name) =>
        name == "chatml" && DefaultSystem().Match(source) is { Success: true } found ? found.Groups[1].Value.Replace("\\n", "\n", StringComparison.Ordinal) : null;

    private static string Name(string folder, string? source) => source is null ? ChatTemplate.Plain : Family(source) ?? throw new CheckpointException(
        $"'{folder}': its chat template is of no family that is known: choose the one that the model was trained with by --set model.chat_template=NAME ({string.Join(", ", ChatTemplate.Names)}).");

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    // Others have the same markers, and other ends of turns.
    [GeneratedRegex(@"\|>(?:\\n|\n)'\s*\+\s*message\['content'\]\s*\+\s*eos_token")]
    private static partial Regex ZephyrTurn();

    // One literal from the turn's start to its end, with no quote in between: Qwen2, Qwen2.5 and SmolLM2 write it so.
    [GeneratedRegex(@"<\|im_start\|>system(?:\\n|\n)([^'""{}]+?)<\|im_end\|>")]
    private static partial Regex DefaultSystem();
}
