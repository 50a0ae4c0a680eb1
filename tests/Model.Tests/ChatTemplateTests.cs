using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class ChatTemplateTests : IDisposable
{
    private const string Zephyr = "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n"
        + "{{ '<|assistant|>\n' + message['content'] + eos_token }}\n{% endif %}\n{% endfor %}";

    private const string Qwen = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are kind.<|im_end|>\\n' }}{% endif %}"
        + "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}";

    private static readonly JsonObject Llama2 = SmallTokenizer.Llama2(), Mistral = SmallTokenizer.MistralV3(), Llama3 = SmallTokenizer.Llama3(), Qwen2 = SmallTokenizer.Qwen2();

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("chat-");

    public static TheoryData<string> Names => [.. ChatTemplate.Names];

    [Fact]
    public void Plain_is_the_prompt_then_the_answer_then_the_end()
    {
        var chat = new LoadedModel(null!, ByteLevelTokenizer.ForKata()).Chat;

        (chat.Name, chat.Source).ShouldBe(("plain", null));
        chat.Prompt("ab").ShouldBe([256, 'a', 'b']);
        chat.Answer("c").ShouldBe([.. "c".Select(unit => (int)unit), 257]);
        chat.Answer("c", ends: false).ShouldBe(['c']);
        chat.StopIds.ShouldBe([257]);
        chat.Text(['c']).ShouldBe("c");
    }

    [Fact]
    public void Llama_3_has_a_header_before_each_turn()
    {
        var chat = Of("llama-3", Llama3, "<|end_of_text|>");
        int Id(string token) => SmallTokenizer.Id(Llama3, token);
        int[] Text(string text) => chat.Tokenizer.Encode(text);

        chat.Prompt(" Is it long?\n").ShouldBe([
            Id("<|begin_of_text|>"), Id("<|start_header_id|>"), .. Text("user"), Id("<|end_header_id|>"), .. Text("\n\nIs it long?"), Id("<|eot_id|>"),
            Id("<|start_header_id|>"), .. Text("assistant"), Id("<|end_header_id|>"), .. Text("\n\n")]);
        chat.Answer("No.").ShouldBe([.. Text("No."), Id("<|eot_id|>")]);
        chat.StopIds.ShouldBe([Id("<|end_of_text|>"), Id("<|eot_id|>")]);
    }

    [Fact]
    public void Chatml_begins_and_ends_each_turn_with_a_token_and_keeps_the_system_message_of_the_file()
    {
        int Id(string token) => SmallTokenizer.Id(Qwen2, token);
        var (bare, kind) = (Of("chatml", Qwen2, "<|endoftext|>"), Of("chatml", Qwen2, "<|endoftext|>", Qwen));
        int[] Text(string text) => bare.Tokenizer.Encode(text);
        int[] prompt =
        [
            Id("<|im_start|>"), .. Text("user\nIs it long?"), Id("<|im_end|>"), .. Text("\n"), Id("<|im_start|>"), .. Text("assistant\n"),
        ];

        bare.Prompt("Is it long?").ShouldBe(prompt);
        bare.Answer("No.").ShouldBe([.. Text("No."), Id("<|im_end|>")]);
        bare.StopIds.ShouldBe([Id("<|endoftext|>"), Id("<|im_end|>")]);
        kind.Prompt("Is it long?").ShouldBe([Id("<|im_start|>"), .. Text("system\nYou are kind."), Id("<|im_end|>"), .. Text("\n"), .. prompt]);
        kind.Source.ShouldBe(Qwen);
    }

    [Fact]
    public void Zephyr_s_markers_are_text_where_the_tokenizer_has_no_tokens_for_them()
    {
        var chat = Of("zephyr", Llama2, "</s>");
        int[] After(string text, TextPosition position) => chat.Tokenizer.Encode(text, position: position);

        chat.Prompt("Is it?").ShouldBe([1, .. After("<|user|>\nIs it?", TextPosition.Start), 2, .. After("\n<|assistant|>\n", TextPosition.AfterToken)]);
        chat.Answer("No.").ShouldBe([.. After("No.", TextPosition.AfterText), 2]);
    }

    [Fact]
    public void Zephyr_s_markers_are_tokens_where_the_tokenizer_has_them()
    {
        var file = (JsonObject)Llama2.DeepClone();
        var size = file["model"]!["vocab"]!.AsObject().Count;
        foreach (var content in new[] { "<|user|>", "<|assistant|>" })
            file["added_tokens"]!.AsArray().Add((JsonNode)new JsonObject { ["id"] = size++, ["content"] = content, ["special"] = false });
        var chat = Of("zephyr", file, "</s>");

        chat.Prompt("Is it?").Where(id => id >= size - 2).ShouldBe([size - 2, size - 1]);
        chat.Prompt("<|user|><|assistant|>").Count(id => id >= size - 2).ShouldBe(2);
    }

    [Fact]
    public void Llama_2_and_early_mistral_write_their_markers_out_and_answer_behind_a_space()
    {
        foreach (var name in new[] { "llama-2", "mistral" })
        {
            var chat = Of(name, Llama2, "</s>");
            int[] start = chat.Tokenizer.Encode("[INST] Is it? [/INST]"), whole = chat.Tokenizer.Encode("[INST] Is it? [/INST] No.");

            chat.Prompt("Is it?").ShouldBe([1, .. start]);
            chat.Answer("No.").ShouldBe([.. whole[start.Length..], 2]); // as if all of it were one text
            chat.Text(whole.AsSpan(start.Length)).ShouldBe("No.");
        }
    }

    [Fact]
    public void Mistral_from_version_3_on_has_tokens_for_its_markers()
    {
        var chat = Of("mistral", Mistral, "</s>");
        int[] Spaced(string text) => chat.Tokenizer.Encode(" " + text, position: TextPosition.AfterText);

        chat.Prompt("Is it?").ShouldBe([1, 3, .. Spaced("Is it?"), 4]);
        chat.Answer("No.").ShouldBe([.. Spaced("No."), 2]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_answer_s_text_comes_back_from_its_ids(string name)
    {
        var chat = Any(name);

        // Spaces are written as U+2581 by some, and texts composed by others.
        string Written(string text) => (name == "chatml" ? CanonicalComposition.Of(text) : name == "llama-3" ? text : text.Replace('\u2581', ' ')).Replace('\0', '\uFFFD');
        Prop.ForAll(AnyText.All, text => chat.Text(chat.Answer(text, ends: false)) == Written(text)).Check(AnyText.Thorough);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Nothing_that_a_user_writes_opens_or_ends_a_turn(string name)
    {
        var chat = Any(name);
        var special = chat.Tokenizer.AddedTokens.Where(token => token.Key != "<tool_call>").Select(token => token.Value).ToHashSet();
        var markers = string.Concat(chat.Tokenizer.AddedTokens.Keys) + "</s><|im_start|>system\n[/INST]";

        chat.Prompt(markers).Where(special.Contains).ShouldBe(chat.Prompt("x").Where(special.Contains));
        chat.Answer(markers).Where(special.Contains).ShouldBe(chat.Answer("x").Where(special.Contains));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_learned_is_the_answer_and_the_token_that_ends_its_turn(string name)
    {
        var chat = Any(name);
        var sequence = chat.Sequence("Is it?", "No.");

        sequence.Prompt.ShouldBe(chat.Prompt("Is it?"));
        sequence.Response.ShouldBe(chat.Answer("No."));
        chat.StopIds.ShouldContain(sequence.Response[^1]);
        chat.Text(sequence.Response).ShouldBe("No.");
        chat.Sequence("Is it?", "No.", ends: false).Response.ShouldBe(sequence.Response[..^1]);
    }

    [Theory]
    [InlineData(Zephyr, "zephyr")]
    [InlineData(Qwen, "chatml")]
    [InlineData("{{ bos_token }}{% if system %}{{ '<<SYS>>\\n' }}{% endif %}{{ '[INST] ' + content + ' [/INST]' }}", "llama-2")]
    [InlineData("{{ bos_token }}{{ ' [INST] ' + content + ' [/INST]' }}", "mistral")]
    [InlineData("{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}", "llama-3")]
    [InlineData("{{ '<|im_start|>' + role + '<|im_sep|>' + content + '<|im_end|>' }}", null)]
    [InlineData("{{ '<|user|>\\n' + message['content'] + '<|end|>\\n<|assistant|>\\n' }}", null)]
    [InlineData("{{ '<start_of_turn>' + role }}", null)]
    public void The_family_is_recognised_by_its_markers(string source, string? family) => ChatTemplateSource.Family(source).ShouldBe(family);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_template_of_our_own_is_recognised_when_it_is_read_again(string name)
    {
        var chat = Any(name);

        (chat.Source is null ? "plain" : ChatTemplateSource.Family(chat.Source)).ShouldBe(name);
    }

    [Fact]
    public void A_tokenizer_that_lacks_a_token_is_told_so()
    {
        Should.Throw<CheckpointException>(() => ChatTemplate.Named("chatml", ByteLevelTokenizer.ForKata())).Message.ShouldBe(
            "The chat template chatml needs the token \"<|im_start|>\", which the tokenizer does not have: choose another with --set model.chat_template=NAME (llama-2, llama-3, chatml, zephyr, mistral, plain).");
        Should.Throw<CheckpointException>(() => ChatTemplate.Named("zephyr", TokenizerFile.Parse(Llama2.ToJsonString(), []))).Message.ShouldStartWith("The chat template zephyr needs an end token");
        Should.Throw<CheckpointException>(() => ChatTemplate.Named("chat-ml", ByteLevelTokenizer.ForKata())).Message.ShouldStartWith("There is no chat template 'chat-ml', expected one of llama-2, ");
    }

    [Fact]
    public void A_folder_s_template_is_found_in_either_of_its_files()
    {
        ChatTemplateSource.Read(_folder.FullName).ShouldBeNull();
        ChatTemplateSource.NameIn(_folder.FullName).ShouldBe("plain");
        Write("tokenizer_config.json", new JsonObject { ["chat_template"] = Zephyr }.ToJsonString());
        ChatTemplateSource.NameIn(_folder.FullName).ShouldBe("zephyr");
        Write("tokenizer_config.json", """{ "chat_template": [{ "name": "tool_use", "template": "x" }, { "name": "default", "template": "[INST]" }] }""");
        ChatTemplateSource.NameIn(_folder.FullName).ShouldBe("mistral");
        Write("chat_template.jinja", Qwen);
        ChatTemplateSource.NameIn(_folder.FullName).ShouldBe("chatml");
    }

    [Fact]
    public void A_template_that_is_not_known_is_refused_with_the_setting_that_chooses_one()
    {
        Write("chat_template.jinja", "{{ '<start_of_turn>' }}");

        Should.Throw<CheckpointException>(() => ChatTemplateSource.For(_folder.FullName, ByteLevelTokenizer.ForKata(), null)).Message.ShouldBe(
            $"'{_folder.FullName}': its chat template is of no family that is known: choose the one that the model was trained with by --set model.chat_template=NAME (llama-2, llama-3, chatml, zephyr, mistral, plain).");
        ChatTemplateSource.For(_folder.FullName, ByteLevelTokenizer.ForKata(), "plain").Name.ShouldBe("plain");
        File.Delete(Path.Combine(_folder.FullName, "chat_template.jinja"));
        Write("tokenizer_config.json", """{ "chat_template": 3 }""");
        Should.Throw<CheckpointException>(() => ChatTemplateSource.NameIn(_folder.FullName)).Message.ShouldEndWith("\"chat_template\" is 3, expected a text.");
    }

    [Fact]
    public void A_saved_model_keeps_its_template_and_says_what_ends_a_turn()
    {
        using var kata = TinyModel.Kata();
        var saved = Path.Combine(_folder.FullName, "model");
        CheckpointFolder.Save(saved, kata with { Chat = ChatTemplate.Named("zephyr", kata.Tokenizer) });

        using var loaded = CheckpointFolder.Load(saved);
        loaded.Chat.Name.ShouldBe("zephyr");
        loaded.Chat.Prompt("a").ShouldBe([256, .. loaded.Tokenizer.Encode("<|user|>\na"), 257, .. loaded.Tokenizer.Encode("\n<|assistant|>\n")]);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "tokenizer_config.json")))!;
        (config["bos_token"]!.GetValue<string>(), config["eos_token"]!.GetValue<string>()).ShouldBe(("<s>", "</s>"));

        using var plain = CheckpointFolder.Load(saved, chatTemplate: "plain");
        CheckpointFolder.Save(saved, plain);
        config.AsObject().Remove("chat_template"); // and nothing else
        JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "tokenizer_config.json"))), config).ShouldBeTrue();
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder.FullName, file), text);

    private static ChatTemplate Of(string name, JsonObject file, string eos, string? source = null) =>
        ChatTemplate.Named(name, TokenizerFile.Parse(file.ToJsonString(), [SmallTokenizer.Id(file, eos)]), source);

    /// <summary>A template with a tokenizer of its family.</summary>
    private static ChatTemplate Any(string name) => name switch
    {
        "llama-3" => Of(name, Llama3, "<|end_of_text|>"),
        "chatml" => Of(name, Qwen2, "<|endoftext|>"),
        "mistral" => Of(name, Mistral, "</s>"),
        _ => Of(name, Llama2, "</s>"),
    };
}
