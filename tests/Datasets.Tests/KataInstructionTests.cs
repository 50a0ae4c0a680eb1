using SelfRewarding.Datasets.Kata;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class KataInstructionTests
{
    [Theory]
    [InlineData("copy: dcab", "dcab")]
    [InlineData("reverse: bhfgaei", "ieagfhb")]
    [InlineData("sort: dcabd", "abcdd")]
    [InlineData("upper: dcab", "DCAB")]
    [InlineData("double: dca", "ddccaa")]
    [InlineData("swap: dcab", "bcad")]
    [InlineData("swap: dc", "cd")]
    [InlineData("swap: d", "d")]
    [InlineData("novowel: bhfgaei", "bhfg")]
    [InlineData("novowel: aei", "")]
    [InlineData("last: dcab", "ab")]
    [InlineData("last: d", "d")]
    public void Every_family_has_its_right_answer(string instruction, string answer) =>
        KataInstruction.Parse(instruction).RightAnswer.ShouldBe(answer);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("reverse")]
    [InlineData("reverse:dcab")]
    [InlineData("reverse: ")]
    [InlineData("reverse: dcak")]
    [InlineData("reverse: DCAB")]
    [InlineData("reverse: dc ab")]
    [InlineData("rotate: dcab")]
    [InlineData(" reverse: dcab")]
    public void What_is_no_instruction_is_refused(string? text) => KataInstruction.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void A_refusal_says_what_was_expected() =>
        Should.Throw<FormatException>(() => KataInstruction.Parse("rotate: dcab")).Message.ShouldStartWith("\"rotate: dcab\" is not a Kata instruction; expected one of copy,");

    [Fact]
    public void An_instruction_reads_back_as_it_was_written() =>
        KataInstruction.Parse("double: abca").ToString().ShouldBe("double: abca");

    [Fact]
    public void There_are_eight_families() =>
        KataInstruction.Families.ShouldBe(["copy", "reverse", "sort", "upper", "double", "swap", "novowel", "last"]);
}
