using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class TokenizerFuzzTests
{
    private const int Inputs = 100_000;

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1.5", "1e999", "2147483647", "2147483648", "70000", "\"\"", "\"a\"", "\" \"", "\"a b\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\u0000\"", "[]", "{}",
        "[[]]", "[null]", "[1]", "[\"a\",\"b\"]", "{\"a\":1}", "{\"type\":\"Sequence\"}", "{\"type\":\"ByteLevel\"}", "{\"type\":\"Metaspace\"}", "\"NFC\"", "\"Sequence\"", "\"Split\"", "\"Digits\"",
    ];

    [Fact]
    public void A_damaged_file_is_read_or_refused_with_a_sentence()
    {
        var files = new[] { SmallTokenizer.Llama3(), SmallTokenizer.Qwen2(), SmallTokenizer.SmolLm2(), SmallTokenizer.Llama2(), SmallTokenizer.MistralV3() }.Select(Tiny).ToArray();
        var random = new Random(20240517);
        var (read, refused) = (0, 0);
        for (var input = 0; input < Inputs; input++)
        {
            var text = Damaged(files[input % files.Length], random);
            try
            {
                var tokenizer = TokenizerFile.Parse(text, []);
                tokenizer.Decode(tokenizer.Encode("It's 12 \U0001F600\uD800 <s>", addBos: true)).ShouldNotBeNull();
                read++;
            }
            catch (CheckpointException e)
            {
                e.Message.ShouldStartWith("tokenizer.json");
                refused++;
            }
            catch (Exception e) when (e is not ShouldAssertException)
            {
                Assert.Fail($"input {input} was neither read nor refused: {e}\n{text}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{read} read, {refused} refused");
        (read + refused).ShouldBe(Inputs);
        read.ShouldBeGreaterThan(Inputs / 100);
        refused.ShouldBeGreaterThan(Inputs / 4);
    }

    /// <summary>The file with a few merges, and where each of its values stands.</summary>
    private static (string Text, List<(int Start, int End)> Values) Tiny(JsonObject file)
    {
        var model = file["model"]!;
        var merges = model["merges"]!.AsArray();
        while (merges.Count > 4) merges.RemoveAt(4);
        var text = file.ToJsonString();
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
        var values = new List<(int, int)>();
        var (inVocabulary, count) = (false, 0);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.EndObject) inVocabulary = false;
            // The vocabulary is long and all alike: one in sixteen of it will do.
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null or JsonTokenType.PropertyName
                && (!inVocabulary || count++ % 16 == 0))
                values.Add(((int)reader.TokenStartIndex, (int)reader.TokenStartIndex + reader.ValueSpan.Length + (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName ? 2 : 0)));
            if (reader.TokenType is JsonTokenType.PropertyName && reader.ValueTextEquals("vocab")) inVocabulary = true;
        }

        return (text, values);
    }

    private static string Damaged((string Text, List<(int Start, int End)> Values) file, Random random)
    {
        var text = file.Text;
        switch (random.Next(8))
        {
            case < 5:
                // Another value, or a value of elsewhere, from the end so that places stay.
                foreach (var (start, end) in Enumerable.Range(0, random.Next(1, 3)).Select(_ => file.Values[random.Next(file.Values.Count)]).Distinct().OrderByDescending(value => value.Start))
                {
                    var other = file.Values[random.Next(file.Values.Count)];
                    text = string.Concat(text.AsSpan(0, start), random.Next(3) == 0 ? file.Text[other.Start..other.End] : Values[random.Next(Values.Length)], text.AsSpan(end));
                }

                return text;
            case 5:
                return text[..random.Next(text.Length)];
            case 6:
                var (from, length) = (random.Next(text.Length), random.Next(1, 40));
                return text.Remove(from, Math.Min(length, text.Length - from));
            default:
                var units = text.ToCharArray();
                for (var change = random.Next(1, 4); change > 0; change--) units[random.Next(units.Length)] = (char)random.Next(1, random.Next(4) == 0 ? 0x10000 : 0x80);
                return new string(units);
        }
    }
}
