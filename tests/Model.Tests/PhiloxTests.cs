using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class PhiloxTests
{
    // Random123's kat_vectors, "philox4x32 10": counter words, key words, result words.
    [Theory]
    [InlineData(0ul, 0ul, 0ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x299f31d0a4093822ul, 0x0370734413198a2eul, 0x85a308d3243f6a88ul, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Blocks_are_the_published_ones(ulong key, ulong counterHigh, ulong counterLow, uint a, uint b, uint c, uint d) =>
        Philox.Block(key, counterHigh, counterLow).ShouldBe((a, b, c, d));

    [Fact]
    public void Uniform_numbers_fill_the_unit_interval_evenly()
    {
        var numbers = Enumerable.Range(0, 100_000).Select(i => Philox.Uniform(1, 2, (ulong)i)).ToArray();
        numbers.ShouldAllBe(number => number >= 0 && number < 1);
        numbers.Average().ShouldBe(0.5, 5 * Math.Sqrt(1 / 12.0 / numbers.Length));
        var counts = numbers.CountBy(number => (int)(number * 100)).Select(bin => (double)bin.Value).ToArray();
        counts.Sum(count => (count - 1000) * (count - 1000) / 1000).ShouldBeLessThan(148.2); // the 99.9 % point at 99 degrees of freedom
    }
}
