using FsCheck;
using FsCheck.Fluent;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class BytePairMergerTests
{
    private const int Megabyte = 1 << 20;

    [Fact]
    public void Merging_is_by_rank_then_from_the_left()
    {
        // a = 0, b = 1; aa -> 2 ranks first, then ab -> 3.
        var merger = new BytePairMerger([new(0, 0, 2), new(0, 1, 3)]);
        var output = new List<int>();

        merger.Merge([0, 0, 0, 1, 0, 1], output);

        output.ShouldBe([2, 3, 3]);
    }

    [Fact]
    public void Words_and_long_texts_merge_as_the_definition_says()
    {
        // Symbols 0 to 3 and what they grow into: rules for any pair below 12, in an order of their own.
        var rules = Gen.Elements(Enumerable.Range(0, 12).SelectMany(left => Enumerable.Range(0, 12), (left, right) => (left, right)).ToArray()).ListOf(30).Select(pairs =>
            pairs.Distinct().Select((pair, index) => new BytePairMerge(pair.left, pair.right, 4 + index)).ToList());
        var anyLength = Gen.Choose(0, 120).SelectMany(length => Gen.Choose(0, 3).ArrayOf(length));

        Prop.ForAll(rules.ToArbitrary(), anyLength.ToArbitrary(), (merges, text) =>
        {
            var output = new List<int>();
            new BytePairMerger(merges).Merge([.. text], output);
            return output.SequenceEqual(Naive(merges, text));
        }).Check(AnyText.Thorough);
    }

    [Fact]
    public void The_work_on_one_repeated_letter_grows_with_its_length_and_not_faster()
    {
        // 0 0 -> 1, 1 1 -> 2, … as vocabularies have them for runs of one sign.
        var merger = new BytePairMerger([.. Enumerable.Range(0, 16).Select(level => new BytePairMerge(level, level, level + 1))]);
        var output = new List<int>();

        var taken = merger.Merge(new int[Megabyte], output);

        output.ShouldBe(Enumerable.Repeat(16, Megabyte >> 16));
        taken.ShouldBeLessThan(3 * Megabyte);
    }

    private static List<int> Naive(List<BytePairMerge> merges, IEnumerable<int> text)
    {
        var symbols = text.ToList();
        while (true)
        {
            var ranks = symbols.Zip(symbols.Skip(1)).Select(pair => merges.FindIndex(merge => merge.Left == pair.First && merge.Right == pair.Second)).ToList();
            if (ranks.All(rank => rank < 0)) return symbols;
            var best = ranks.Where(rank => rank >= 0).Min();
            var at = ranks.IndexOf(best);
            symbols[at] = merges[best].Merged;
            symbols.RemoveAt(at + 1);
        }
    }
}
