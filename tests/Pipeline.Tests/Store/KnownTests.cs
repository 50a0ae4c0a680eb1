using SelfRewarding.Control;
using SelfRewarding.Control.Commands;
using SelfRewarding.Control.Lineage;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A name that is not there is answered with those that are near.</summary>
public sealed class KnownTests
{
    [Fact]
    public void A_few_runs_are_all_named_the_nearest_first() =>
        Refusal(() => Known.Run("tinny", ["kata-1", "tiny-2", "tiny"])).ShouldBe("The log has no run 'tinny', expected one of: tiny, tiny-2, kata-1.");

    [Fact]
    public void Of_many_runs_the_near_ones_are_named()
    {
        var names = Enumerable.Range(0, 5000).Select(n => $"run-{n}").Append("katta-7").ToList();
        var refusal = Refusal(() => Known.Run("kata-7", names));
        refusal.ShouldStartWith("The log has no run 'kata-7', expected one of its 5001; near are: katta-7, run-7,");
        refusal.ShouldEndWith("('selfreward runs' lists all).");
        refusal.Length.ShouldBeLessThan(250);
    }

    [Fact]
    public void An_empty_log_says_how_to_begin() => Refusal(() => Known.Run("kata-7", [])).ShouldContain("'selfreward run' makes one");

    [Theory]
    [InlineData("katta-7/1/17")]
    [InlineData("katta-7/M2/step/40")]
    [InlineData("prompt-katta-7-1-17")]
    [InlineData("training-katta-7-M2")]
    public void An_id_of_a_run_that_is_not_there_is_answered_with_the_runs_that_are_near(string id) =>
        Refusal(() => LineageId.Parse(id, ["other", "kata-7"])).ShouldBe("The log has no run 'katta-7', expected one of: kata-7, other.");

    private static string Refusal(Action asked) => Should.Throw<UserException>(asked).Message;
}
