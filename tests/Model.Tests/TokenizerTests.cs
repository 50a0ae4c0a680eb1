using System.Text.Json;
using System.Text.Json.Nodes;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class TokenizerTests
{
    private static readonly ByteLevelTokenizer Kata = ByteLevelTokenizer.ForKata();

    private static readonly string[] Awkward =
    [
        "", " ", "  two  spaces ", "tab\tand\nlines\r\n", "na\u00EFve caf\u00E9", "\u65E5\u672C\u8A9E", "emoji \U0001F600\U0001F468\u200D\U0001F469", "e\u0301", "<s>", "</s>",
        "\u2581 itself", "\uFEFFmark", "don't WON'T 'll", "\U0001D4D0\U0001D4D1 letters 12\u00BD \u0661\u0662", "...!!!???", "\u00A0\u3000 wide",
    ];

    [Fact]
    public void Kata_ids_are_the_bytes_of_the_text()
    {
        Kata.Encode("a\u00E9", addBos: true).ShouldBe([256, 'a', 0xC3, 0xA9]);
        Kata.Bos.ShouldBe(256);
        Kata.Eos.ShouldBe([257]);
        Kata.VocabSize.ShouldBe(260);
    }

    [Fact]
    public void Text_never_becomes_a_special_token()
    {
        Kata.Encode("<s></s>").ShouldAllBe(id => id < 256);
        Kata.Decode([256, .. Kata.Encode("</s>"), 257]).ShouldBe("</s>");
    }

    [Fact]
    public void Decoding_gives_every_valid_text_back()
    {
        foreach (var text in Awkward) Kata.Decode(Kata.Encode(text)).ShouldBe(text);
    }

    [Fact]
    public void Decoding_never_throws_and_marks_what_is_no_text()
    {
        Kata.Decode([0xFF, 'a', 0xE2, 0x82]).ShouldBe("\uFFFDa\uFFFD");
        Kata.Decode([0]).ShouldBe("\uFFFD");
        Kata.Decode([-1, 260, int.MaxValue]).ShouldBe("\uFFFD\uFFFD\uFFFD");
        Kata.Encode("\uD800").ShouldBe([0xEF, 0xBF, 0xBD]);
    }

    [Fact]
    public void Kata_s_file_reads_back_as_the_same_tokenizer()
    {
        var read = TokenizerFile.Parse(Kata.ToJson(), [257]);

        read.ShouldBeOfType<ByteLevelTokenizer>().ToJson().ShouldBe(Kata.ToJson());
        foreach (var text in Awkward) read.Encode(text, addBos: true).ShouldBe(Kata.Encode(text, addBos: true));
    }

    [Fact]
    public void Gpt2_s_tokenizer_encodes_as_the_original()
    {
        var tokenizer = TokenizerFile.Load(Fixture.Shared("data", "gpt2", "tokenizer.json"), [50256]);
        var texts = File.ReadAllText(Fixture.Shared("data", "gpt2", "vectors.inp")).Split("\n__ggml_vocab_test__\n");
        var expected = File.ReadAllLines(Fixture.Shared("data", "gpt2", "vectors.out"));

        for (var i = 0; i < expected.Length; i++)
        {
            string.Join(' ', tokenizer.Encode(texts[i])).ShouldBe(expected[i].Trim(), texts[i]);
            tokenizer.Decode(tokenizer.Encode(texts[i])).ShouldBe(texts[i]);
        }

        foreach (var text in Awkward) tokenizer.Decode(tokenizer.Encode(text)).ShouldBe(text);
        tokenizer.Bos.ShouldBeNull();
        tokenizer.VocabSize.ShouldBe(50257);
    }

    [Fact]
    public void A_sentencepiece_tokenizer_encodes_as_the_original()
    {
        var tokenizer = TokenizerFile.Load(Fixture.Shared("fixtures", "stories260K", "tokenizer.json"), [2]);
        using var vectors = JsonDocument.Parse(File.ReadAllText(Fixture.Shared("fixtures", "stories260K", "encode.json")));

        foreach (var vector in vectors.RootElement.EnumerateArray())
        {
            var text = vector.GetProperty("text").GetString()!;
            var ids = vector.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
            tokenizer.Encode(text, addBos: true).ShouldBe(ids, text);
            tokenizer.Decode(ids).ShouldBe(text.Replace('\u2581', ' '));
        }

        tokenizer.Bos.ShouldBe(1);
        tokenizer.VocabSize.ShouldBe(512);
    }

    [Theory]
    [InlineData("normalizer", """{"type":"NFKC"}""")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"x"},"behavior":"Isolated","invert":false}""")]
    [InlineData("decoder", """{"type":"WordPiece"}""")]
    [InlineData("post_processor", """{"type":"BertProcessing"}""")]
    public void A_part_that_is_not_implemented_is_refused_by_name(string part, string value)
    {
        var json = JsonNode.Parse(Kata.ToJson())!;
        json[part] = JsonNode.Parse(value);

        Should.Throw<CheckpointException>(() => TokenizerFile.Parse(json.ToJsonString(), [257])).Message.ShouldStartWith($"tokenizer.json: \"{part}\" is {value[..12]}");
    }

    [Fact]
    public void A_model_that_is_not_implemented_is_refused_by_name()
    {
        Refusal(json => json["model"]!["type"] = "Unigram").ShouldBe("tokenizer.json: model: \"type\" is \"Unigram\", which is not implemented.");
        Refusal(json => json["model"]!["merges"] = new JsonArray("a zz")).ShouldBe("tokenizer.json: model: merge 0 \"a zz\" needs \"zz\", which is not in the vocabulary.");
        Refusal(json => ((JsonObject)json["model"]!["vocab"]!).Remove("a")).ShouldBe("tokenizer.json: the byte 97 (\"a\") is not in the vocabulary; byte-level BPE needs all 256.");
        Refusal(json => (json["added_tokens"]![0]!["special"], json["added_tokens"]![0]!["single_word"]) = (false, true))
            .ShouldBe("tokenizer.json: added_tokens[0]: \"single_word\" is true, which is not implemented.");
        Refusal(json => json["added_tokens"]![0]!["id"] = 7).ShouldContain("the id 7 is given to \"<s>\" and to ");
        Refusal(json => json["added_tokens"]![3]!["id"] = 1_000_000).ShouldEndWith("has the id 1000000, far beyond the number of tokens (260).");
        Refusal(json => json["pre_tokenizer"] = JsonNode.Parse("""
            { "type": "Sequence", "pretokenizers": [{ "type": "Split", "pattern": { "Regex": "x" }, "behavior": "Isolated", "invert": false }, { "type": "ByteLevel", "add_prefix_space": false }] }
            """)).ShouldStartWith("tokenizer.json: pre_tokenizer: pretokenizers[0] is {\"type\":\"Split\",\"pattern\":{\"Regex\":\"x\"}");
        Should.Throw<CheckpointException>(() => TokenizerFile.Parse("{", [], "t.json")).Message.ShouldStartWith("t.json:1: not valid JSON");

        static string Refusal(Action<JsonNode> change)
        {
            var json = JsonNode.Parse(Kata.ToJson())!;
            change(json);
            return Should.Throw<CheckpointException>(() => TokenizerFile.Parse(json.ToJsonString(), [257])).Message;
        }
    }
}
