using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class TokenizerFamiliesTests
{
    private static readonly Dictionary<string, JsonObject> Files = new()
    {
        ["gpt-2"] = SmallTokenizer.Gpt2(),
        ["llama-3"] = SmallTokenizer.Llama3(),
        ["qwen2"] = SmallTokenizer.Qwen2(),
        ["smollm2"] = SmallTokenizer.SmolLm2(),
        ["llama-2"] = SmallTokenizer.Llama2(),
        ["mistral-3"] = SmallTokenizer.MistralV3(),
    };

    public static TheoryData<string> Families => [.. Files.Keys];

    [Theory]
    [InlineData("gpt-2", SmallTokenizer.Gpt2Pattern)]
    [InlineData("llama-3", SmallTokenizer.Llama3Pattern)]
    [InlineData("smollm2", @"\p{N}", SmallTokenizer.Gpt2Pattern)]
    public void A_byte_level_tokenizer_encodes_as_its_definition_says(string family, params string[] words)
    {
        var (tokenizer, naive) = (Load(family), new NaiveBpe(Files[family]));

        tokenizer.Encode(SmallTokenizer.Corpus).ShouldBe(naive.ByteLevel(SmallTokenizer.Corpus, words));
        Prop.ForAll(AnyText.Basic, text => tokenizer.Encode(text).SequenceEqual(naive.ByteLevel(text, words))).Check(AnyText.Thorough);
    }

    [Fact]
    public void Qwen2_s_tokenizer_composes_and_encodes_as_its_definition_says()
    {
        var (tokenizer, naive) = (Load("qwen2"), new NaiveBpe(Files["qwen2"]));

        tokenizer.Encode("cafe\u0301 12").ShouldBe(naive.ByteLevel("caf\u00E9 12", SmallTokenizer.Qwen2Pattern));
        Prop.ForAll(AnyText.Basic, text => tokenizer.Encode(text).SequenceEqual(naive.ByteLevel(CanonicalComposition.Of(text), SmallTokenizer.Qwen2Pattern))).Check(AnyText.Thorough);
    }

    [Fact]
    public void Llama_3_s_tokenizer_takes_a_word_that_is_a_token_whole_and_opens_with_its_token()
    {
        var (tokenizer, whole) = (Load("llama-3"), SmallTokenizer.Id(Files["llama-3"], "\u0120zebra"));

        tokenizer.Encode("a zebra").ShouldBe([SmallTokenizer.Id(Files["llama-3"], "a"), whole]);
        tokenizer.Bos.ShouldBe(SmallTokenizer.Id(Files["llama-3"], "<|begin_of_text|>"));
        tokenizer.Encode("a", addBos: true)[0].ShouldBe(tokenizer.Bos!.Value);
    }

    [Theory]
    [InlineData("llama-2")]
    [InlineData("mistral-3")]
    public void A_sentencepiece_tokenizer_encodes_as_its_definition_says(string family)
    {
        var (tokenizer, naive) = (Load(family), new NaiveBpe(Files[family]));

        // Metaspace puts no second space before a text that begins with one.
        string Written(string text) => text.Replace(' ', '\u2581') is var written && (text.Length == 0 || (family == "mistral-3" && written[0] == '\u2581')) ? written : "\u2581" + written;
        Prop.ForAll(AnyText.All, text => tokenizer.Encode(text).SequenceEqual(naive.SentencePiece(Written(text)))).Check(AnyText.Thorough);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Decoding_gives_every_text_back(string family)
    {
        var tokenizer = Load(family);

        Prop.ForAll(AnyText.Broken, text => tokenizer.Decode(tokenizer.Encode(text)) == Expected(family, text)).Check(AnyText.Thorough);
        Prop.ForAll(AnyText.Broken, text => tokenizer.Decode(tokenizer.Encode(text, position: TextPosition.AfterText), TextPosition.AfterText)
            == Expected(family == "mistral-3" ? "llama-2" : family, text)).Check(AnyText.Thorough);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void No_text_becomes_a_special_token(string family)
    {
        var tokenizer = Load(family);
        var special = Files[family]["added_tokens"]!.AsArray().Where(token => token!["special"]!.GetValue<bool>()).Select(token => token!["id"]!.GetValue<int>()).ToHashSet();

        Prop.ForAll(AnyText.Broken, text => !tokenizer.Encode(text).Any(special.Contains)).Check(AnyText.Thorough);
        foreach (var (content, id) in tokenizer.AddedTokens)
        {
            var encoded = tokenizer.Encode($"x {content} {content}{content}");
            if (special.Contains(id)) encoded.ShouldNotContain(id, content);
            else encoded.Count(found => found == id).ShouldBe(3, content);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_text_of_one_letter_a_megabyte_long_comes_back(string family)
    {
        var (tokenizer, text) = (Load(family), new string('a', 1 << 20));

        tokenizer.Decode(tokenizer.Encode(text)).ShouldBe(text); // quadratic work would take hours
    }

    [Fact]
    public void A_text_that_goes_on_gets_no_space_in_front()
    {
        var (llama, mistral) = (Load("llama-2"), Load("mistral-3"));
        int Id(string token) => SmallTokenizer.Id(Files["llama-2"], token);

        llama.Encode("x").ShouldBe([Id("\u2581"), Id("x")]);
        llama.Encode("x", position: TextPosition.AfterToken).ShouldBe([Id("\u2581"), Id("x")]);
        llama.Encode("x", position: TextPosition.AfterText).ShouldBe([Id("x")]);
        mistral.Encode("x", position: TextPosition.AfterToken).Length.ShouldBe(1);
        llama.Decode([Id("\u2581"), Id("x")]).ShouldBe("x");
        llama.Decode([Id("\u2581"), Id("x")], TextPosition.AfterText).ShouldBe(" x");
    }

    [Fact]
    public void Added_tokens_that_are_not_special_are_cut_out_first_the_longest_where_two_begin()
    {
        var file = (JsonObject)Files["qwen2"].DeepClone();
        Add("<t>", 380, special: false);
        Add("<t>x", 381, special: false, lstrip: true, rstrip: true);
        Add("cafe\u0301", 382, special: false, normalized: true);
        var tokenizer = TokenizerFile.Parse(file.ToJsonString(), []);

        int[] a = tokenizer.Encode("a");
        tokenizer.Encode("a<t>a").ShouldBe([.. a, 380, .. a]);
        tokenizer.Encode("a  <t>x\n a").ShouldBe([.. a, 381, .. a]);
        tokenizer.Encode("acaf\u00E9a").ShouldBe([.. a, 382, .. a]);
        tokenizer.Decode([380, 381]).ShouldBe("<t><t>x");

        void Add(string content, int id, bool special, bool normalized = false, bool lstrip = false, bool rstrip = false) => file["added_tokens"]!.AsArray().Add((JsonNode)new JsonObject
        {
            ["id"] = id, ["content"] = content, ["single_word"] = false, ["lstrip"] = lstrip, ["rstrip"] = rstrip, ["normalized"] = normalized, ["special"] = special,
        });
    }

    [Fact]
    public void What_ends_an_answer_or_a_turn_is_special_whatever_the_file_says()
    {
        var file = (JsonObject)Files["qwen2"].DeepClone();
        foreach (var token in file["added_tokens"]!.AsArray()) token!["special"] = false;
        var tokenizer = TokenizerFile.Parse(file.ToJsonString(), [SmallTokenizer.Id(file, "<|endoftext|>")]);

        tokenizer.Encode("<|endoftext|><|im_start|><|im_end|>").ShouldAllBe(id => id < 376);
        tokenizer.Encode("<tool_call>").ShouldBe([SmallTokenizer.Id(file, "<tool_call>")]);
    }

    private static ITokenizer Load(string family) => TokenizerFile.Parse(Files[family].ToJsonString(), []);

    /// <summary>What a text comes back as: halves of surrogate pairs and U+0000 as U+FFFD, composed or with its spaces as the family writes them.</summary>
    private static string Expected(string family, string text)
    {
        var valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        var written = family switch
        {
            "qwen2" => CanonicalComposition.Of(valid),
            "llama-2" => valid.Replace('\u2581', ' '),
            "mistral-3" => valid.Replace('\u2581', ' ') is [' ', .. var rest] ? rest : valid.Replace('\u2581', ' '), // as its files have it
            _ => valid,
        };
        return written.Replace('\0', '\uFFFD');
    }
}
