using SelfRewarding.Benchmarks;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class RunContentsTests
{
    private static readonly RunContents Quiet = Of([("prompt-r-1-0", 1, "a"), ("prompt-r-1-0", 2, "b")], [(1, 0), (1, 1)]);

    [Fact]
    public void The_same_is_no_difference() => Of([("prompt-r-1-0", 2, "b"), ("prompt-r-1-0", 1, "a")], [(1, 1), (1, 0)]).DifferencesFrom(Quiet).ShouldBeEmpty();

    [Fact]
    public void What_is_lost_added_or_said_otherwise_is_named()
    {
        Of([("prompt-r-1-0", 1, "a")], []).DifferencesFrom(Quiet).ShouldBe(["version 2 of prompt-r-1-0 is missing"]);
        Of([("prompt-r-1-0", 1, "a"), ("prompt-r-1-0", 2, "b"), ("prompt-r-1-0", 3, "c")], []).DifferencesFrom(Quiet).ShouldBe(["version 3 of prompt-r-1-0 is in the disturbed run only"]);
        Of([("prompt-r-1-0", 1, "a"), ("prompt-r-1-0", 2, "x")], []).DifferencesFrom(Quiet).ShouldBe(["version 2 of prompt-r-1-0 is x, expected b"]);
        (Quiet with { Hashes = new Dictionary<string, string> { ["model M1"] = "y" } }).DifferencesFrom(Quiet).ShouldBe(["model M1 is y, expected m"]);
    }

    [Fact]
    public void Prompts_are_counted_by_their_ordinals()
    {
        Quiet.Miscounted(iterations: 1, prompts: 2).ShouldBeEmpty();
        Quiet.Miscounted(iterations: 1, prompts: 3).ShouldBe(["prompt 1-2 settled 0 times"]);
        Of([], [(1, 0), (1, 0)]).Miscounted(iterations: 1, prompts: 1).ShouldBe(["prompt 1-0 settled 2 times"]);
        Of([], [(1, 0), (2, 0)]).Miscounted(iterations: 1, prompts: 1).ShouldBe(["prompt 2-0 settled 1 times"]);
    }

    private static RunContents Of((string Stream, long Version, string Says)[] facts, (int, int)[] settled) =>
        new(facts.ToDictionary(fact => (fact.Stream, fact.Version), fact => fact.Says), new Dictionary<string, string> { ["model M1"] = "m" }, settled, facts.Length);
}
