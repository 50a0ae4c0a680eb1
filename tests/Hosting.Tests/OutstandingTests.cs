using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class OutstandingTests
{
    private static readonly ModelRef M1 = new("M1", "runs/r/models/M1", "aa");
    private static readonly RunStarted Started = new("r", new RunSettings(), []);
    private static readonly ModelPublished Published = new("r", M1, null, null, 1);
    private static readonly PromptGenerated Generated = new("r", 1, 0, M1, "p", "model", [], []);
    private static readonly CandidatesSampled Sampled = new("r", 1, 0, M1, []);
    private static readonly CandidatesJudged Judged = new("r", 1, 0, M1, []);
    private static readonly PreferencePairBuilt Paired = new("r", 1, 0, "p", new PairSide(0, "a", 5), new PairSide(1, "b", 0), []);
    private static readonly DatasetFrozen Frozen = new("r", 1, "M2", 1, "bb", new DatasetStatistics(1, 4, 12, 0, 0, new Dictionary<string, int>(), new Dictionary<string, int>(), 0, 0, 0, 0));
    private static readonly ModelEvaluated Evaluated = new("r", M1, new InstructionFollowing(0, null, null, null, 0), [], null, null);

    [Fact]
    public void A_run_that_only_began_is_carried_on_by_its_beginning() => Messages(Started).ShouldBe([Started]);

    [Fact]
    public void A_prompt_is_carried_on_by_its_last_stage()
    {
        Messages(Started, Generated, Sampled).ShouldBe([Started, new UnsettledPrompt("r", 1, 0, typeof(CandidatesSampled))]);
        Messages(Started, Generated, Sampled, Judged).ShouldBe([Started, new UnsettledPrompt("r", 1, 0, typeof(CandidatesJudged))]);
    }

    [Fact]
    public void A_settled_prompt_needs_nothing() => Messages(Started, Generated, Sampled, Judged, Paired).ShouldBe([Started]);

    [Fact]
    public void A_published_model_waits_for_its_evaluation_once_the_run_has_gone_on()
    {
        var m2 = Published with { Model = M1 with { Name = "M2" } };
        Messages(Started, Published, m2).ShouldBe([m2, Published]);
        Messages(Started, Published, m2, Evaluated).ShouldBe([m2]);
    }

    [Fact]
    public void A_frozen_dataset_waits_for_its_model()
    {
        Messages(Started, Published, Evaluated, Frozen).ShouldBe([Published, Frozen]);
        var m2 = Published with { Model = M1 with { Name = "M2" } };
        Messages(Started, Published, Evaluated, Frozen, m2).ShouldBe([m2]);
    }

    [Fact]
    public void An_ended_run_keeps_only_its_unmeasured_models()
    {
        Messages(Started, Published, Evaluated, new RunCompleted("r", M1)).ShouldBeEmpty();
        Messages(Started, Published, new RunCompleted("r", M1)).ShouldBe([Published]);
        Messages(Started, Published, Evaluated, new RunStopped("r", 1, "why")).ShouldBeEmpty();
    }

    [Fact]
    public void Other_runs_are_left_out_when_one_is_asked_for()
    {
        var outstanding = Fold(Started, Generated, Started with { Run = "other" });
        outstanding.Notes(run => run == "other").Select(recorded => recorded.Fact).ShouldBe([Started with { Run = "other" }]);
        outstanding.Prompts(run => run == "other").ShouldBeEmpty();
        outstanding.Prompts(run => run == "r").Count.ShouldBe(1);
    }

    [Fact]
    public void The_fold_goes_on_from_the_last_position_of_which_it_has_everything()
    {
        var outstanding = Fold(Started, Generated);
        outstanding.Apply(new Recorded(Started, "run-fork", 1, 7, default, MoreFollow: true));
        outstanding.Position.ShouldBe(2);
        outstanding.Apply(new Recorded(Published, "run-fork", 2, 7, default, Shared: true));
        outstanding.Position.ShouldBe(7);
    }

    // Prompts by their last stage alone.
    private static IReadOnlyList<object> Messages(params object[] facts)
    {
        var outstanding = Fold(facts);
        return [.. outstanding.Notes().Select(recorded => recorded.Fact), .. outstanding.Prompts()];
    }

    private static Outstanding Fold(params object[] facts)
    {
        var outstanding = new Outstanding();
        var position = 0L;
        foreach (var fact in facts)
            outstanding.Apply(new Recorded(fact, fact is PromptGenerated or CandidatesSampled or CandidatesJudged or PreferencePairBuilt ? "prompt-r-1-0" : "other", 1, ++position, default));
        return outstanding;
    }
}
