using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SelfRewarding.Model;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// How fast one core encodes: real conversations with GPT-2's vocabulary and the word patterns of each family, the same with a SentencePiece-style tokenizer of 512 tokens
/// (which takes more merges a word), and a text without any space in it. The data lie beside the checkout.
/// </summary>
public static class TokenizerBenchmark
{
    private const int Rounds = 5;
    private const double Aim = 2; // MB of UTF-8 a second
    private const int Megabyte = 1_000_000;

    /// <summary>Measures, and prints a table; without the data, a sentence.</summary>
    public static async Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (Missing("data/gpt2/tokenizer.json", "data/oasst", "fixtures/stories260K/tokenizer.json") is { } missing)
        {
            await output.WriteLineAsync($"The benchmark of tokenizers needs ../shared/{missing}, which is not beside this checkout.");
            return;
        }

        var gpt2 = await File.ReadAllTextAsync(BesideCheckout.Find("data/gpt2/tokenizer.json")!, cancellationToken);
        var text = Conversations(BesideCheckout.Find("data/oasst")!);
        var letters = new string('a', Megabyte);
        var stories = TokenizerFile.Load(BesideCheckout.Find("fixtures/stories260K/tokenizer.json")!, []);
        (string Name, ITokenizer Tokenizer, string Text)[] cases =
        [
            ("GPT-2", TokenizerFile.Parse(gpt2, []), text),
            ("Llama 3's words", TokenizerFile.Parse(With(gpt2, WordSplits(@"\p{N}{1,3}"), null), []), text),
            ("Qwen2's words, composed", TokenizerFile.Parse(With(gpt2, WordSplits(@"\p{N}"), """{ "type": "NFC" }"""), []), text),
            ("SmolLM2's words", TokenizerFile.Parse(With(gpt2, Digits, null), []), text),
            ("SentencePiece style", stories, text),
            ("GPT-2, one letter", TokenizerFile.Parse(gpt2, []), letters),
            ("SentencePiece style, one letter", stories, letters),
        ];

        await output.WriteLineAsync($"| tokenizer | MB of UTF-8 | tokens | MB/s, one core, median of {Rounds} | aim | of the aim |\n|---|--:|--:|--:|--:|--:|");
        foreach (var (name, tokenizer, what) in cases)
        {
            var (megabytes, tokens) = ((double)Encoding.UTF8.GetByteCount(what) / Megabyte, tokenizer.Encode(what).Length); // warms up
            var speed = Enumerable.Range(0, Rounds).Select(_ => megabytes / Seconds(() => tokenizer.Encode(what))).Order().ElementAt(Rounds / 2);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"| {name} | {megabytes:F2} | {tokens:N0} | {speed:F1} | {Aim:F0} | {speed / Aim:F1} |"));
        }
    }

    private const string Digits = """
        { "type": "Sequence", "pretokenizers": [{ "type": "Digits", "individual_digits": true }, { "type": "ByteLevel", "add_prefix_space": false, "use_regex": true }] }
        """;

    private static double Seconds(Action encode)
    {
        var clock = Stopwatch.StartNew();
        encode();
        return clock.Elapsed.TotalSeconds;
    }

    private static string WordSplits(string numbers) => new JsonObject
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray(
            new JsonObject
            {
                ["type"] = "Split",
                ["pattern"] = new JsonObject
                {
                    ["Regex"] = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + numbers + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
                },
                ["behavior"] = "Isolated",
                ["invert"] = false,
            },
            new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false }),
    }.ToJsonString();

    private static string With(string file, string preTokenizer, string? normalizer)
    {
        var json = JsonNode.Parse(file)!;
        json["pre_tokenizer"] = JsonNode.Parse(preTokenizer);
        json["normalizer"] = normalizer is null ? null : JsonNode.Parse(normalizer);
        return json.ToJsonString();
    }

    /// <summary>Every text in the lines of a folder's files.</summary>
    private static string Conversations(string folder)
    {
        var text = new StringBuilder();
        foreach (var line in Directory.GetFiles(folder, "*.jsonl").Order(StringComparer.Ordinal).SelectMany(File.ReadLines))
        {
            using var json = JsonDocument.Parse(line);
            Append(json.RootElement);
        }

        return text.ToString();

        void Append(JsonElement value)
        {
            if (value.ValueKind == JsonValueKind.String) text.Append(value.GetString()).Append('\n');
            else if (value.ValueKind == JsonValueKind.Array) foreach (var item in value.EnumerateArray()) Append(item);
            else if (value.ValueKind == JsonValueKind.Object) foreach (var property in value.EnumerateObject()) Append(property.Value);
        }
    }

    private static string? Missing(params string[] paths) => Array.Find(paths, path => BesideCheckout.Find(path) is null);
}
