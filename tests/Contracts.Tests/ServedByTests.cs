using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

public sealed class ServedByTests
{
    [Fact]
    public void What_no_server_did_comes_to_nothing() => ServedBy.Sum([null, null]).ShouldBeNull();

    [Fact]
    public void Parts_add_up_and_each_model_is_named_once()
    {
        var sum = ServedBy.Sum([new("u", ["b"], 1, 10, 3), null, new("u", ["a"], 1, 20, null), new("u", ["b"], 1, null, 4)]).ShouldNotBeNull();
        (sum.Url, sum.Requests, sum.InputTokens, sum.OutputTokens).ShouldBe(("u", 3, 30L, 7L));
        sum.Models.ShouldBe(["a", "b"]);
    }

    [Fact]
    public void Tokens_that_nobody_counted_are_not_none() => ServedBy.Sum([new("u", ["a"], 1, null, null)])!.InputTokens.ShouldBeNull();
}
