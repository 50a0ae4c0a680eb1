using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class ValidationPromptsTests
{
    private static readonly RunSettings s_settings = new()
    {
        Dpo = new() { EarlyStopping = new() { Every = 200, Prompts = 3 } },
        Evaluation = new() { Prompts = 2, Ranked = 3 },
    };

    [Fact]
    public void They_are_the_next_held_out_prompts_that_neither_answering_nor_judging_is_measured_on()
    {
        var seed = Seed(8);
        ValidationPrompts.Of(seed, s_settings).ShouldBe([new(3, "p3"), new(4, "p4"), new(5, "p5")]); // p0 and p1 are answered, p0 to p2 judged
        ValidationPrompts.Problem(seed, s_settings).ShouldBeNull();
        ValidationPrompts.Of(seed with { HeldOutPrompts = [.. seed.HeldOutPrompts.Take(4), new("p3", null), new("p0", null), .. seed.HeldOutPrompts.Skip(4)] }, s_settings)
            .ShouldBe([new(3, "p3"), new(6, "p4"), new(7, "p5")]); // each text once
    }

    [Fact]
    public void Where_too_few_are_left_these_are_taken_and_where_none_is_that_is_said()
    {
        ValidationPrompts.Of(Seed(4), s_settings).ShouldBe([new(3, "p3")]);
        ValidationPrompts.Problem(Seed(4), s_settings).ShouldBe(
            "Checkpoints are compared on fewer prompts than dpo.early_stopping.prompts (3): of 4 held-out prompts 1 is left that no model is measured on (evaluation.prompts is 2, evaluation.ranked 3).");
        ValidationPrompts.Of(Seed(3), s_settings).ShouldBeEmpty();
        ValidationPrompts.Problem(Seed(3), s_settings).ShouldNotBeNull().ShouldStartWith("Early stopping has nothing to compare checkpoints on, so each training on pairs goes to its end: of 3 held-out prompts 0 are left");
        ValidationPrompts.Problem(Seed(3), s_settings, isFork: true).ShouldNotBeNull().ShouldEndWith("A fork shares these prompts: start a new run to compare checkpoints.");
    }

    [Fact]
    public void Where_early_stopping_is_off_there_are_none_and_nothing_is_said_of_it()
    {
        var off = s_settings with { Dpo = new() };
        ValidationPrompts.Of(Seed(8), off).ShouldBeEmpty();
        ValidationPrompts.Problem(Seed(2), off).ShouldBeNull();
    }

    private static SeedData Seed(int heldOut) => new()
    {
        Ift = [],
        SeedPrompts = [],
        HeldOutPrompts = [.. Enumerable.Range(0, heldOut).Select(n => new HeldOutPrompt($"p{n}", null))],
        HeldOutRanked = [.. Enumerable.Range(0, heldOut).Select(n => new RankedPrompt($"p{n}", []))],
    };
}
