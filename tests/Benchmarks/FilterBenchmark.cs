using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using SelfRewarding.Contracts;
using SelfRewarding.PromptGen;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// How many drafts a second the filters decide against a pool of 100,000 prompts, on one core: words drawn as often as words are (Zipf), and, where Open Assistant's texts lie beside the checkout, real sentences two at
/// a time. A quarter of the drafts is a prompt of the pool with some words changed, which is what costs most and must be found.
/// </summary>
public static class FilterBenchmark
{
    private const int Pool = 100_000, Drafts = 2_000, Rounds = 5;
    private const double Aim = 500; // drafts a second

    /// <summary>Measures, and prints a table.</summary>
    public static async Task RunAsync(TextWriter output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        await output.WriteLineAsync($"| pool of {Pool:N0} | words a prompt | refused as too near | drafts/s, one core, median of {Rounds} | aim | of the aim | built in s |\n|---|--:|--:|--:|--:|--:|--:|");
        await MeasureAsync(output, "words by Zipf's law", Zipf(new Random(1)), cancellationToken);
        if (BesideCheckout.Find("data/oasst") is { } folder)
            await MeasureAsync(output, "real sentences", Sentences(folder, new Random(2)), cancellationToken);
        else
            await output.WriteLineAsync("Real sentences need ../shared/data/oasst, which is not beside this checkout.");
    }

    private static async Task MeasureAsync(TextWriter output, string name, IEnumerable<string> texts, CancellationToken cancellationToken)
    {
        var settings = new FilterSettings { BannedWords = [], BannedStarts = [], RequireEnglishStart = false };
        var prompts = texts.Distinct(StringComparer.Ordinal).Take(Pool + Drafts).ToList();
        var clock = Stopwatch.StartNew();
        var pool = new PromptPool(settings, prompts.Take(Pool));
        var built = clock.Elapsed.TotalSeconds;
        var random = new Random(3);
        List<string> drafts = [.. prompts.Skip(Pool).Select((text, i) => i % 4 == 0 ? Changed(prompts[random.Next(Pool)], random) : text)];

        var (refused, speeds) = (0, new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            clock.Restart();
            refused = drafts.Count(draft => pool.Check(draft, Finish.Stop) is { Reason: "rouge_l" });
            speeds.Add(drafts.Count / clock.Elapsed.TotalSeconds);
        }

        if (refused < Drafts / 5)
            throw new BenchmarkFailedException($"Of {Drafts / 4} drafts that are near a prompt only {refused} were refused.");
        var speed = speeds.Order().ElementAt(Rounds / 2);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"| {name}: {pool.Count:N0} | {prompts.Average(text => RougeL.Words(text).Count):F0} | {refused:N0} of {drafts.Count:N0} | {speed:N0} | {Aim:N0} | {speed / Aim:F1} | {built:F1} |"));
    }

    // A word in eight becomes another.
    private static string Changed(string text, Random random) => string.Join(' ', text.Split(' ').Select(word => random.Next(8) == 0 ? $"other{random.Next(1_000)}" : word));

    private static IEnumerable<string> Zipf(Random random)
    {
        const int Vocabulary = 30_000;
        var shares = new double[Vocabulary];
        var sum = 0.0;
        for (var word = 0; word < Vocabulary; word++)
            shares[word] = sum += 1.0 / (word + 1);
        while (true)
            yield return string.Join(' ', Enumerable.Range(0, random.Next(8, 60)).Select(_ => $"w{Word(random.NextDouble() * sum)}"));

        int Word(double share) => Array.BinarySearch(shares, share) is >= 0 and var found ? found : ~Array.BinarySearch(shares, share);
    }

    private static IEnumerable<string> Sentences(string folder, Random random)
    {
        List<string> all = [.. Directory.GetFiles(folder, "*.jsonl").Order(StringComparer.Ordinal).SelectMany(File.ReadLines).SelectMany(line => Texts(JsonDocument.Parse(line).RootElement))
            .SelectMany(text => text.Split(['.', '?', '!', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Where(sentence => RougeL.Words(sentence).Count is >= 4 and <= 70).Distinct(StringComparer.Ordinal)];
        while (true)
            yield return $"{all[random.Next(all.Count)]}. {all[random.Next(all.Count)]}.";
    }

    private static IEnumerable<string> Texts(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Texts),
        JsonValueKind.Object => value.EnumerateObject().SelectMany(property => Texts(property.Value)),
        _ => [],
    };
}
