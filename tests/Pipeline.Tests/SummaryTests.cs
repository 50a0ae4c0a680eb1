using System.Text.Json;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class SummaryTests
{
    [Fact]
    public void A_discarded_prompt_leaves_every_stage_behind()
    {
        var iteration = Fold([Started, .. SummaryExample.Iteration(1)]).Iterations.Single();

        (iteration.Planned, iteration.Generated, iteration.Sampled, iteration.Judged, iteration.Settled).ShouldBe((4, 4, 4, 4, 4));
        (iteration.Pairs, iteration.RefusedDrafts).ShouldBe((1, 3));
        iteration.Discarded.ShouldBe(new Dictionary<DiscardReason, int>
        {
            [DiscardReason.NoAcceptableDraft] = 1,
            [DiscardReason.Unparsable] = 1,
            [DiscardReason.Tie] = 1,
        }, ignoreOrder: true);
    }

    [Fact]
    public void Halfway_each_stage_has_its_own_count()
    {
        var iteration = Fold([Started, .. SummaryExample.Iteration(1).Take(5)]).Iterations.Single();

        (iteration.Generated, iteration.Sampled, iteration.Judged, iteration.Settled).ShouldBe((2, 2, 1, 0));
    }

    [Fact]
    public void A_prompt_that_leaves_no_room_for_an_answer_is_drafted_and_spares_the_other_stages()
    {
        var iteration = Fold([Started, .. SummaryExample.Iteration(1).Take(1), new PromptDiscarded("kata-7", 1, 0, DiscardReason.TooLong, "150 of 160 tokens", [], [])]).Iterations.Single();

        (iteration.Generated, iteration.Sampled, iteration.Judged, iteration.Settled).ShouldBe((1, 1, 1, 1));
    }

    [Theory]
    [InlineData(DiscardReason.AnswersTooLarge, PromptStage.Generated)]
    [InlineData(DiscardReason.JudgementsTooLarge, PromptStage.Sampled)]
    [InlineData(DiscardReason.PairTooLarge, PromptStage.Judged)]
    public void A_prompt_whose_texts_no_message_can_carry_is_discarded_in_place_of_the_stage_that_made_them(DiscardReason reason, int last)
    {
        var discarded = new PromptDiscarded("kata-7", 1, 0, reason, "CandidatesSampled has 17 MiB", [], []);
        var iteration = Fold([Started, .. SummaryExample.Iteration(1).Take(last), discarded]).Iterations.Single();

        (iteration.Generated, iteration.Sampled, iteration.Judged, iteration.Settled).ShouldBe((1, 1, 1, 1));
    }

    [Fact]
    public void Where_early_stopping_goes_back_the_figures_are_those_of_the_steps_that_are_published()
    {
        var training = SummaryExample.Training("M2", "dpo", 14).ToList();
        var first = new CheckpointCompared("kata-7", "M2", 2, "aa", SummaryExample.Ref("M1"), [], null, 0, 0, 0, Stops: false);
        var between = new RunSummary(JsonSerializer.Deserialize<RunState>(JsonSerializer.Serialize(Fold([Started, .. training.Take(3), first, .. training.Skip(3)]).State))!);
        between.Models.Single().LastStep!.Step.ShouldBe(14);

        between.Apply(first with { Step = 14, Against = 2, Losses = 1, Stops = true }, SummaryExample.Start.AddMinutes(1));

        var model = between.Models.Single();
        (model.LastStep!.Step, model.Loss!.Value, model.RewardsMargins!.Value).ShouldBe((2, 0.75, (0.2 + 0.4) / 2));
    }

    [Fact]
    public void Statistics_are_there_before_the_dataset_is_frozen_and_then_as_it_says()
    {
        var facts = SummaryExample.Iteration(1).ToList();

        var sofar = Fold([Started, .. facts.SkipLast(1)]).Iterations.Single().Statistics;
        (sofar.Candidates, sofar.Judgements, sofar.MeanScore, sofar.MeanCandidateLength, sofar.MeanMargin).ShouldBe((6, 6, 5, 3, 3));
        sofar.ScoreHistogram.ShouldBe(new Dictionary<string, int> { ["5"] = 6 });
        sofar.Discarded.ShouldBe(new Dictionary<string, int> { ["NoAcceptableDraft"] = 1, ["Tie"] = 1, ["Unparsable"] = 1 });
        Fold([Started, .. facts]).Iterations.Single().Statistics.ShouldBe(((DatasetFrozen)facts[^1]).Statistics);
    }

    [Fact]
    public void A_summary_goes_on_from_its_state_at_any_fact_as_if_it_had_never_stopped()
    {
        var facts = SummaryExample.Facts().ToList();
        var whole = JsonSerializer.Serialize(Fold([.. facts]).State);

        var summary = new RunSummary("kata-7");
        for (var i = 0; i < facts.Count; i++)
        {
            summary = new RunSummary(JsonSerializer.Deserialize<RunState>(JsonSerializer.Serialize(summary.State))!);
            summary.Apply(facts[i], SummaryExample.Start.AddSeconds(i));
        }

        JsonSerializer.Serialize(summary.State).ShouldBe(whole);
    }

    [Fact]
    public void What_a_summary_keeps_does_not_grow_with_the_prompts()
    {
        var prompt = SummaryExample.Iteration(1).Take(3).ToList();
        int Kept(int prompts) => JsonSerializer.Serialize(Fold([Started, .. Enumerable.Range(0, prompts).SelectMany(_ => prompt)]).State).Length;

        (Kept(10_000) - Kept(100)).ShouldBeLessThan(100, "counts grow by digits only");
    }

    [Fact]
    public void Tokens_are_those_of_answers_and_judgements()
    {
        var summary = Fold([Started, .. SummaryExample.Iteration(1)]);

        summary.Generation.Tokens.ShouldBe(3 * (2 * 4) + 3 * (2 * 6));
        summary.Generation.PerSecond.ShouldNotBeNull().ShouldBe((60 - 8) / 7.0, 1e-9);
    }

    [Fact]
    public void The_margin_at_the_end_is_the_mean_over_the_last_ten_steps()
    {
        var model = Fold([Started, .. SummaryExample.Training("M2", "dpo", 12)]).Model("M2")!;

        model.LastStep!.Step.ShouldBe(12);
        model.RewardsMargins.ShouldNotBeNull().ShouldBe(0.2 * 7.5, 1e-9);
        model.RewardsAccuracies.ShouldBe(0.75);
        model.TokensPerSecond.ShouldBe(2000);
    }

    [Fact]
    public void Steps_that_are_done_again_after_a_crash_replace_what_was()
    {
        var steps = SummaryExample.Training("M2", "dpo", 12).ToList();

        var model = Fold([Started, .. steps.Take(9), .. steps.Skip(6)]).Model("M2")!;

        model.RewardsMargins.ShouldNotBeNull().ShouldBe(0.2 * 7.5, 1e-9);
    }

    [Fact]
    public void A_run_is_finished_when_its_last_model_is_measured_or_when_it_stopped()
    {
        var facts = SummaryExample.Facts().ToList();

        Fold([.. facts]).IsFinished.ShouldBeTrue();
        Fold([.. facts.Where(fact => fact is not ModelEvaluated { Model.Name: "M3" })]).IsFinished.ShouldBeFalse();
        Fold([.. facts.Take(6), new RunStopped("kata-7", 1, "no usable pair")]).End!.StopReason.ShouldBe("no usable pair");
        Fold([.. facts.Take(6), new RunStopped("kata-7", 1, "no usable pair")]).IsFinished.ShouldBeTrue();
    }

    [Fact]
    public void Models_come_in_the_order_of_their_making_and_other_runs_are_passed_over()
    {
        var summary = Fold([.. SummaryExample.Facts(), new RunStopped("another", 1, "broken"), new ModelPublished("another", SummaryExample.Ref("M9"), null, null, 0)]);

        summary.Models.Select(model => model.Name).ShouldBe(["M0", "SFT", "M1", "M2", "M3"]);
        summary.End!.StopReason.ShouldBeNull();
    }

    [Fact]
    public void Each_phase_lasts_from_its_first_fact_to_its_last()
    {
        var phases = Fold([.. SummaryExample.Facts()]).Phases;

        phases.Select(phase => phase.Name).ShouldBe(
        [
            "measuring M0", "training SFT", "measuring SFT", "training M1", "measuring M1", "iteration 1",
            "training M2", "measuring M2", "iteration 2", "training M3", "measuring M3",
        ]);
        var training = phases.Single(phase => phase.Name == "training M2");
        (training.End - training.Start).ShouldBe(TimeSpan.FromSeconds(13));
    }

    internal static RunSummary Fold(params object[] facts)
    {
        var summary = new RunSummary("kata-7");
        for (var i = 0; i < facts.Length; i++)
            summary.Apply(facts[i], SummaryExample.Start.AddSeconds(i));
        return summary;
    }

    private static RunStarted Started => new("kata-7", SummaryExample.Settings, []);
}
