using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class MetaVerdictTests
{
    [Theory]
    [InlineData("Winner: A", true)]
    [InlineData("winner:b", false)]
    [InlineData("A counts a step twice.\nWinner: B", false)]
    [InlineData("**Winner:** **A**.", true)]
    [InlineData("Winner: <B>", false)]
    [InlineData("Winner: Judgement A", true)]
    [InlineData("Winner: judgment B\n", false)]
    [InlineData("At first I thought Winner: A, yet the sum is wrong.\nWinner: B", false)]
    [InlineData("Winner: B\nThat is all.", false)]
    public void The_last_verdict_decides(string raw, bool firstWins) => MetaVerdict.Parse(raw, Finish.Stop).ShouldBe(new ParsedVerdict(firstWins, null));

    [Theory]
    [InlineData("A is better", "no \"Winner:\"")]
    [InlineData("Winner: A or B", "neither A nor B alone")]
    [InlineData("Winner: both", "neither A nor B alone")]
    [InlineData("Winner: a tie", "neither A nor B alone")]
    [InlineData("Winner: C", "neither A nor B alone")]
    [InlineData("Winner:", "neither A nor B alone")]
    [InlineData("Winner: AB", "neither A nor B alone")]
    [InlineData("Winner: A1", "neither A nor B alone")]
    [InlineData("Winner: A\nWinner: neither", "neither A nor B alone")]
    [InlineData("The breadwinner: A", "no \"Winner:\"")]
    [InlineData("", "no \"Winner:\"")]
    public void What_names_not_exactly_one_is_unparsable(string raw, string reason)
    {
        var parsed = MetaVerdict.Parse(raw, Finish.Stop);
        parsed.FirstWins.ShouldBeNull();
        parsed.Unparsable.ShouldNotBeNull().ShouldStartWith(reason);
    }

    [Theory]
    [InlineData(Finish.Length)]
    [InlineData(Finish.ContentFilter)]
    public void A_verdict_whose_line_was_cut_off_could_have_gone_on(Finish finish)
    {
        MetaVerdict.Parse("Winner: A", finish).Unparsable.ShouldNotBeNull().ShouldContain("cut off");
        MetaVerdict.Parse("A is longer and", finish).Unparsable.ShouldNotBeNull().ShouldContain("cut off");
        MetaVerdict.Parse("Winner: A\nBecause", finish).FirstWins.ShouldBe(true);
    }
}
