using static SelfRewarding.Model.ChatMarkers;

namespace SelfRewarding.Model;

/// <summary>
/// How a family of models was taught to tell an instruction from its answer, for one turn of each. After the layouts that the families' model cards document. What their files
/// put besides, such as the day's date, is left out: a run has to repeat.
/// </summary>
/// <param name="Prompt">All that comes before the answer, but for the token that opens a sequence.</param>
/// <param name="AnswerLead">What stands between prompt and answer and belongs to the answer's first token, such as a space.</param>
/// <param name="AnswerEnd">The token that ends the answer's turn.</param>
/// <param name="Trims">White space around the user's text is left out.</param>
/// <param name="Jinja">The same as a Jinja template.</param>
internal sealed record ChatLayout(IReadOnlyList<ChatPart> Prompt, string AnswerLead, ChatPart AnswerEnd, bool Trims, string Jinja)
{
    /// <summary>Of Qwen2, SmolLM2 and many others.</summary>
    public static ChatLayout ChatMl { get; } = new(
        [
            ChatPart.Token(StartOfTurn), ChatPart.Text("user\n"), ChatPart.User, ChatPart.Token(EndOfTurn), ChatPart.Text("\n"),
            ChatPart.Token(StartOfTurn), ChatPart.Text("assistant\n"),
        ],
        "", ChatPart.Token(EndOfTurn), Trims: false,
        "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}");

    /// <summary>Of Llama 3 and its successors up to 3.3.</summary>
    public static ChatLayout Llama3 { get; } = new(
        [
            ChatPart.Token(StartOfHeader), ChatPart.Text("user"), ChatPart.Token(EndOfHeader), ChatPart.Text("\n\n"), ChatPart.User, ChatPart.Token(EndOfMessage),
            ChatPart.Token(StartOfHeader), ChatPart.Text("assistant"), ChatPart.Token(EndOfHeader), ChatPart.Text("\n\n"),
        ],
        "", ChatPart.Token(EndOfMessage), Trims: true,
        "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}");

    /// <summary>Of Zephyr and TinyLlama's chat models; their tokenizers have no tokens for the markers.</summary>
    public static ChatLayout Zephyr { get; } = new(
        [ChatPart.Marker(User), ChatPart.Text("\n"), ChatPart.User, ChatPart.End, ChatPart.Text("\n"), ChatPart.Marker(Assistant), ChatPart.Text("\n")],
        "", ChatPart.End, Trims: false,
        "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}");

    /// <summary>Of Llama 2's chat models.</summary>
    public static ChatLayout Llama2 { get; } = new(
        [ChatPart.Text("[INST] "), ChatPart.User, ChatPart.Text(" [/INST]")], " ", ChatPart.End, Trims: true,
        "{{ bos_token }}{% set next = namespace(system='') %}{% for message in messages %}{% if message['role'] == 'system' %}"
        + "{% set next.system = '<<SYS>>\\n' + message['content'] + '\\n<</SYS>>\\n\\n' %}{% elif message['role'] == 'user' %}"
        + "{{ '[INST] ' + next.system + message['content'] | trim + ' [/INST]' }}{% set next.system = '' %}{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}");

    /// <summary>Of Mistral's instruct models before version 3, whose tokenizer has no tokens for the markers.</summary>
    public static ChatLayout Mistral { get; } = Llama2 with
    {
        Trims = false,
        Jinja = "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
            + "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}",
    };

    /// <summary>Of Mistral's instruct models from version 3 on: the markers are tokens.</summary>
    public static ChatLayout MistralV3 { get; } = new(
        [ChatPart.Token(StartOfInstruction), ChatPart.Text(" "), ChatPart.User, ChatPart.Token(EndOfInstruction)], " ", ChatPart.End, Trims: false,
        "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + '[/INST]' }}"
        + "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}");

    /// <summary>The layout of a named template for a tokenizer; null for plain, which has none.</summary>
    /// <exception cref="CheckpointException">There is no such template.</exception>
    public static ChatLayout? Named(string name, ITokenizer tokenizer) => name switch
    {
        "llama-2" => Llama2,
        "llama-3" => Llama3,
        "chatml" => ChatMl,
        "zephyr" => Zephyr,
        "mistral" => tokenizer.AddedTokens.ContainsKey(StartOfInstruction) ? MistralV3 : Mistral,
        ChatTemplate.Plain => null,
        _ => throw new CheckpointException($"There is no chat template '{name}', expected one of {string.Join(", ", ChatTemplate.Names)}."),
    };
}
