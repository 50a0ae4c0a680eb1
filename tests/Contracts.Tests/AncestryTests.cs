using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

public sealed class AncestryTests
{
    private static readonly RunStarted Root = Start("a", null, prompts: 100);
    private static readonly RunStarted Fork = Start("b", new RunOrigin("a", 2, ForkStage.Judgements), prompts: 60);
    private static readonly RunStarted ForkOfFork = Start("c", new RunOrigin("b", 2, ForkStage.Pairs), prompts: 50);

    [Fact]
    public void A_run_that_began_at_M0_owns_all_of_it()
    {
        var ancestry = new Ancestry([Root]);
        ancestry.SharedModels.ShouldBe(0);
        ancestry.Prompts(1).ShouldBe([new PromptSegment("a", 0, 4)]);
        ancestry.PublishedVersion("M0").ShouldBe(2);
        ancestry.EndedVersion.ShouldBe(RunStage.Ended(3));
    }

    [Fact]
    public void A_fork_shares_what_came_before_its_stage()
    {
        var ancestry = new Ancestry([Fork, Root]);
        ancestry.Prompts(1).ShouldBe([new PromptSegment("a", 0, 4)]);
        ancestry.Prompts(2).ShouldBe([new PromptSegment("a", 0, 2), new PromptSegment("b", 2, 4)]);
        ancestry.Prompts(3).ShouldBe([new PromptSegment("b", 0, 4)]);
        (ancestry.OwnerOf("M0"), ancestry.OwnerOf("M2"), ancestry.OwnerOf("M3")).ShouldBe(("a", "a", "b"));
        (ancestry.SettingsOf("M2"), ancestry.SettingsOf("M3")).ShouldBe((Root.Settings, Fork.Settings));
        (ancestry.Planned(1), ancestry.Planned(2)).ShouldBe((100, 60));
    }

    [Fact]
    public void The_first_model_of_a_fork_comes_behind_its_first_event()
    {
        var ancestry = new Ancestry([Fork, Root]);
        ancestry.SharedModels.ShouldBe(4); // M0, SFT, M1, M2
        ancestry.PublishedVersion("M3").ShouldBe(2);
        ancestry.PublishedVersion("M4").ShouldBe(3);
        ancestry.EndedVersion.ShouldBe(4);
    }

    [Fact]
    public void A_fork_of_a_fork_reads_each_stage_from_the_run_that_made_it()
    {
        var ancestry = new Ancestry([ForkOfFork, Fork, Root]);
        ancestry.Prompts(2).ShouldBe([new PromptSegment("a", 0, 2), new PromptSegment("b", 2, 3), new PromptSegment("c", 3, 4)]);
        ancestry.Root.ShouldBe(Root);
    }

    [Fact]
    public void A_chain_with_a_link_missing_is_refused() =>
        Should.Throw<ArgumentException>(() => new Ancestry([ForkOfFork, Root])).Message.ShouldContain("comes from 'b'");

    private static RunStarted Start(string run, RunOrigin? origin, int prompts) =>
        new(run, new RunSettings { Iterations = 3, Prompts = new() { PerIteration = prompts } }, [], origin);
}
