using System.Text;
using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class CanonicalDatasetTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static CanonicalPair Pair(int ordinal, string prompt, double score = 5) => CanonicalPair.Of(Built(ordinal, prompt, score));

    private static PreferencePairBuilt Built(int ordinal, string prompt, double score = 5) =>
        new("run", 1, ordinal, prompt, new(0, "good\n", score), new(2, "b\"ad é", 1.0 / 3), []);

    private static JudgingOutcome Judging(string prompt) =>
        new(2, 2, 1, 1, [], new JudgingPair(prompt, "b\"ad é", new(1, "Score: 2", 2, 1.75), new(0, "Score: 4", 4, 0.25)), null, "");

    [Fact]
    public void A_pair_is_a_line_in_the_names_of_TRL()
    {
        using var stream = new MemoryStream();
        CanonicalDataset.Write([Pair(7, "p")], stream);
        Encoding.UTF8.GetString(stream.ToArray()).ShouldBe(
            """{"ordinal":7,"prompt":"p","chosen":"good\n","rejected":"b\"ad é","score_chosen":5,"score_rejected":0.3333333333333333}""" + "\n");
    }

    [Fact]
    public void The_hash_does_not_depend_on_the_order_in_which_pairs_come()
    {
        // By number: as texts, 10 would come before 2.
        var pairs = new[] { Pair(2, "a"), Pair(10, "b"), Pair(1, "c") };
        using var stream = new MemoryStream();
        var hash = CanonicalDataset.Write(pairs, stream);
        hash.ShouldBe(CanonicalDataset.Sha256(pairs.Reverse()));
        var path = _folder.Write("pairs.jsonl", stream.ToArray());
        CanonicalDataset.Read(path).Select(pair => pair.Ordinal).ShouldBe([1, 2, 10]);
    }

    [Fact]
    public void Everything_that_is_trained_on_is_in_the_hash()
    {
        var pair = Pair(1, "p");
        string[] hashes =
        [
            .. new[]
            {
                pair, pair with { Prompt = "q" }, pair with { Ordinal = 2 }, pair with { Chosen = "x" },
                pair with { Rejected = "x" }, pair with { ScoreChosen = 4 }, pair with { Response = "x" }, pair with { Response = "y" },
            }.Select(changed => CanonicalDataset.Sha256([changed])),
        ];
        hashes.Distinct().Count().ShouldBe(hashes.Length);
        hashes[0].ShouldBe("b4386adc7721e0aa60268d373e6e96c3cebcf335071ea1cac38d38e38bf2bf10");
    }

    [Fact]
    public void What_was_written_reads_back()
    {
        using var stream = new MemoryStream();
        CanonicalDataset.Write([Pair(3, "p\u0001😀")], stream);
        CanonicalDataset.Read(_folder.Write("pairs.jsonl", stream.ToArray()))
            .ShouldBe([new CanonicalPair(3, "p\u0001😀", "good\n", "b\"ad é", 5, 1.0 / 3)]);
    }

    [Fact]
    public void Pairs_that_come_one_by_one_give_the_hash_of_the_file()
    {
        CanonicalPair[] pairs = [Pair(1, "a"), Pair(2, "b"), Pair(10, "c")];
        using var hash = new CanonicalDatasetHash();
        foreach (var pair in pairs)
            hash.Add(pair);
        hash.Sha256().ShouldBe(CanonicalDataset.Write(pairs, Stream.Null));
        Should.Throw<ArgumentException>(() => hash.Add(Pair(9, "d"))).Message.ShouldStartWith("The pair of ordinal 9 comes after that of 10");
    }

    [Fact]
    public void Two_pairs_of_one_prompt_are_refused() =>
        Should.Throw<ArgumentException>(() => CanonicalDataset.Sha256([Pair(4, "a"), Pair(4, "b")])).Message.ShouldStartWith("Two pairs have ordinal 4");

    [Fact]
    public void A_pair_of_judgements_comes_behind_its_prompt_s_pair_of_answers_and_names_the_judged_answer()
    {
        var outcomes = new object[]
        {
            new PromptDiscarded("run", 1, 9, DiscardReason.Tie, "", [], [], Judging: Judging("q")), Built(7, "p") with { Judging = Judging("p") }, Built(8, "r"),
            new PromptDiscarded("run", 1, 6, DiscardReason.Tie, "", [], []),
        };
        CanonicalPair[] pairs = [.. outcomes.Reverse().SelectMany(CanonicalPair.AllOf).Reverse()];
        using var stream = new MemoryStream();
        var hash = CanonicalDataset.Write(pairs, stream);
        var lines = Encoding.UTF8.GetString(stream.ToArray()).Split('\n');
        lines[1].ShouldBe("""{"ordinal":7,"prompt":"p","response":"b\"ad é","chosen":"Score: 2","rejected":"Score: 4","score_chosen":1.75,"score_rejected":0.25}""");
        CanonicalDataset.Read(_folder.Write("pairs.jsonl", stream.ToArray())).Select(pair => (pair.Ordinal, pair.IsJudging)).ShouldBe([(7, false), (7, true), (8, false), (9, true)]);

        hash.ShouldBe(CanonicalDataset.Sha256(pairs));
        using var oneByOne = new CanonicalDatasetHash();
        foreach (var pair in pairs.OrderBy(pair => pair.Ordinal).ThenBy(pair => pair.IsJudging))
            oneByOne.Add(pair);
        oneByOne.Sha256().ShouldBe(hash);
        Should.Throw<ArgumentException>(() => oneByOne.Add(pairs.First(pair => pair.Ordinal == 9)));
        Should.Throw<ArgumentException>(() => CanonicalDataset.Sha256([pairs.Single(pair => pair is { Ordinal: 7, IsJudging: true }), .. pairs]));
    }
}
