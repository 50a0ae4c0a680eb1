using System.Text;

namespace SelfRewarding.Model;

/// <summary>
/// Lays an instruction out as a model was taught to read it, in token ids, and says where the answer begins and ends. Turns are told apart by tokens that no text becomes, so
/// nothing that a user or a model writes can open or end one. Safe to use from any thread.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>The template of models that were taught no turns: the prompt, then the answer, then the end token.</summary>
    public const string Plain = "plain";

    private readonly ChatLayout? _layout;
    private readonly string? _system;
    private readonly int? _end;

    private ChatTemplate(string name, ITokenizer tokenizer, string? source)
    {
        (Name, Tokenizer) = (name, tokenizer);
        _layout = ChatLayout.Named(name, tokenizer);
        if (_layout is null)
        {
            (_end, StopIds) = (tokenizer.Eos.Count > 0 ? tokenizer.Eos[0] : null, tokenizer.Eos);
            return;
        }

        _system = source is null ? null : ChatTemplateSource.SystemMessage(source, name);
        foreach (var part in _layout.Prompt.Append(_layout.AnswerEnd)) Check(part);
        _end = _layout.AnswerEnd.Kind == ChatPartKind.End ? tokenizer.Eos[0] : tokenizer.AddedTokens[_layout.AnswerEnd.Value];
        StopIds = [.. tokenizer.Eos.Append(_end.Value).Distinct()];
        Source = source ?? _layout.Jinja;
    }

    /// <summary>Every template's name.</summary>
    public static IReadOnlyList<string> Names { get; } = ["llama-2", "llama-3", "chatml", "zephyr", "mistral", Plain];

    /// <summary>One of <see cref="Names"/>.</summary>
    public string Name { get; }

    /// <summary>The tokenizer that the template was made for.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>The tokens that end an answer: the tokenizer's own and the end of the turn.</summary>
    public IReadOnlyList<int> StopIds { get; }

    /// <summary>The Jinja template to save beside a checkpoint; null for plain.</summary>
    public string? Source { get; }

    /// <summary>What a sequence opens with, and what ends the answer, as the tokenizer calls them; null where there is none.</summary>
    public (string? Bos, string? End) TokenNames => (ContentOf(Tokenizer.Bos), ContentOf(_end));

    /// <summary>A template by its name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="source">The Jinja template of the model's folder, kept where it is of that family, with its default system message; otherwise passed over.</param>
    /// <exception cref="CheckpointException">There is no such template, or the tokenizer lacks a token of it.</exception>
    public static ChatTemplate Named(string name, ITokenizer tokenizer, string? source = null) =>
        new(name, tokenizer, source is not null && ChatTemplateSource.Family(source) == name ? source : null);

    /// <summary>What the model answers to: the ids of everything before the answer.</summary>
    /// <param name="prompt">The instruction, any text.</param>
    public int[] Prompt(string prompt)
    {
        if (_layout is null) return Tokenizer.Encode(prompt, addBos: true);
        var writer = new Writer(Tokenizer);
        if (_system is not null)
        {
            ReadOnlySpan<ChatPart> turn = [ChatPart.Token(ChatMarkers.StartOfTurn), ChatPart.Text($"system\n{_system}"), ChatPart.Token(ChatMarkers.EndOfTurn), ChatPart.Text("\n")];
            foreach (var part in turn) writer.Add(part, "");
        }

        var user = _layout.Trims ? prompt.Trim() : prompt;
        foreach (var part in _layout.Prompt) writer.Add(part, user);
        return writer.End();
    }

    /// <summary>The ids of an answer, which are what is learned.</summary>
    /// <param name="answer">Any text.</param>
    /// <param name="ends">Whether the token that ends it follows: an answer that ran into its limit never said that it was at its end.</param>
    /// <exception cref="CheckpointException">Nothing says which token ends an answer.</exception>
    public int[] Answer(string answer, bool ends = true)
    {
        var ids = _layout is null ? Tokenizer.Encode(answer) : Tokenizer.Encode(_layout.AnswerLead + answer, position: TextPosition.AfterText);
        if (!ends) return ids;
        return [.. ids, _end ?? throw new CheckpointException("The model has no end token: say which one ends an answer, as \"eos_token_id\" in its config.json or generation_config.json.")];
    }

    /// <summary>The text of an answer's ids, which <see cref="Answer"/> turns into these ids again. Never throws, see <see cref="ITokenizer.Decode"/>.</summary>
    public string Text(ReadOnlySpan<int> answer)
    {
        if (_layout is null) return Tokenizer.Decode(answer);
        var text = Tokenizer.Decode(answer, TextPosition.AfterText);
        return text.StartsWith(_layout.AnswerLead, StringComparison.Ordinal) ? text[_layout.AnswerLead.Length..] : text;
    }

    /// <summary>A prompt with its answer to learn from: losses see the answer's tokens and the one that ends its turn, and nothing else.</summary>
    public TrainingSequence Sequence(string prompt, string answer, bool ends = true) => new(Prompt(prompt), Answer(answer, ends));

    private void Check(ChatPart part)
    {
        if (part.Kind == ChatPartKind.Token && !Tokenizer.AddedTokens.ContainsKey(part.Value))
            throw new CheckpointException($"The chat template {Name} needs the token \"{part.Value}\", which the tokenizer does not have: choose another with --set model.chat_template=NAME ({string.Join(", ", Names)}).");
        if (part.Kind == ChatPartKind.End && Tokenizer.Eos.Count == 0)
            throw new CheckpointException($"The chat template {Name} needs an end token, and the model has none: say which, as \"eos_token_id\" in its config.json or generation_config.json.");
    }

    private string? ContentOf(int? id) => Tokenizer.AddedTokens.Where(token => token.Value == id).Select(token => token.Key).FirstOrDefault();

    /// <summary>Puts the parts together: text goes on until a token comes, since a text has other ids when it is cut.</summary>
    private sealed class Writer
    {
        private readonly ITokenizer _tokenizer;
        private readonly List<int> _ids = [];
        private readonly StringBuilder _text = new();
        private TextPosition _position = TextPosition.Start;

        public Writer(ITokenizer tokenizer)
        {
            _tokenizer = tokenizer;
            if (tokenizer.Bos is { } bos) _ids.Add(bos);
        }

        public void Add(ChatPart part, string user)
        {
            switch (part.Kind)
            {
                case ChatPartKind.Text:
                    _text.Append(part.Value);
                    break;
                case ChatPartKind.User:
                    _text.Append(user);
                    break;
                case ChatPartKind.End:
                    AddToken(_tokenizer.Eos[0]);
                    break;
                default:
                    if (_tokenizer.AddedTokens.TryGetValue(part.Value, out var id)) AddToken(id);
                    else _text.Append(part.Value);
                    break;
            }
        }

        public int[] End()
        {
            if (_text.Length > 0) _ids.AddRange(_tokenizer.Encode(_text.ToString(), position: _position));
            _text.Clear();
            return [.. _ids];
        }

        private void AddToken(int id)
        {
            End();
            _ids.Add(id);
            _position = TextPosition.AfterToken;
        }
    }
}
