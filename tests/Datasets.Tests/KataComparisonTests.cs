using SelfRewarding.Datasets.Kata;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class KataComparisonTests
{
    [Theory]
    [InlineData("reverse: bhfgaei", "ieagfbh", "ii.ee.aa.gg.ff.hbxbhx", 3)]
    [InlineData("copy: dcab", "dcab", "dd.cc.aa.bb.", 5)]
    [InlineData("copy: dcab", "dca", "dd.cc.aa.b_x", 4)]
    [InlineData("copy: dca", "dcab", "dd.cc.aa._bx", 4)]
    [InlineData("copy: dca", "", "d_xc_xa_x", 2)]
    [InlineData("upper: dca", "dca", "DdxCcxAax", 2)]
    [InlineData("copy: abcdefg", "bcdefga", "abxbcxcdxdexefxfgxgax", 0)]
    public void A_judgement_spells_out_every_position(string instruction, string answer, string text, int score)
    {
        var comparison = KataComparison.Of(KataInstruction.Parse(instruction), answer);

        comparison.Text.ShouldBe(text);
        comparison.Score.ShouldBe(score);
        comparison.Judgement.ShouldBe($"{text} Score: {score}");
    }

    [Fact]
    public void An_underscore_beyond_the_end_is_a_mistake_too() => KataComparison.Of("ab", "ab_").Text.ShouldBe("aa.bb.__x");

    [Fact]
    public void Only_the_right_answer_scores_five()
    {
        foreach (var example in KataData.Generate(3, new() { Judged = 1_000 }).Eft)
            (example.Score == KataComparison.MaxScore).ShouldBe(example.Response == KataInstruction.Parse(example.Prompt).RightAnswer, example.Prompt);
    }
}
