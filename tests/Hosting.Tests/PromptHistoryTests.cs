using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class PromptHistoryTests
{
    private static readonly ModelRef Model = new("M1", "p", "s");
    private static readonly PromptGenerated Generated = new("r", 1, 0, Model, "p", "model", [], []);
    private static readonly CandidatesSampled Sampled = new("r", 1, 0, Model, []);
    private static readonly PromptDiscarded Discarded = new("r", 1, 0, DiscardReason.TooLong, "", [], []);

    [Fact]
    public void A_stream_that_does_not_exist_has_no_last_fact()
    {
        PromptHistory.Of([]).Last.ShouldBeNull();
        PromptHistory.Of([]).Version.ShouldBe(0);
    }

    [Fact]
    public void The_version_is_the_stage()
    {
        PromptHistory.Of([Generated]).Version.ShouldBe(PromptStage.Generated);
        PromptHistory.Of([Generated, Sampled]).Version.ShouldBe(PromptStage.Sampled);
        PromptHistory.Of([Generated, Sampled]).Last.ShouldBe(Sampled);
    }

    [Fact]
    public void A_prompt_may_be_discarded_at_any_stage()
    {
        PromptHistory.Of([Discarded]).Outcome.ShouldBe(Discarded);
        PromptHistory.Of([Generated, Discarded]).Last.ShouldBe(Discarded);
    }
}
