using System.Diagnostics;
using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What lasts longer than a message: training, freezing and evaluation each have a trace of their own; and what all of it measures.</summary>
public sealed partial class TraceTests
{
    [Fact]
    public void Each_model_s_training_is_a_trace_with_its_plan_its_steps_and_the_facts_that_it_recorded()
    {
        foreach (var model in (string[])["SFT", "M1", "M2"])
        {
            var span = Named($"train {model}");
            (span.Kind, span.ParentId, span.Status).ShouldBe((ActivityKind.Internal, null, ActivityStatusCode.Unset));
            var training = traced.Events.Where(stored => stored.Stream == StreamNames.Training(TinyRun.Name, model) && stored.Type != "dataset_frozen").ToList();
            training.ShouldAllBe(stored => stored.Metadata.CorrelationId == span.TraceId.ToHexString());

            var plan = Facts<TrainingStarted>(training).Single();
            span.TagObjects.ToDictionary().ShouldBe(
                new Dictionary<string, object?>
                {
                    ["self_rewarding.run"] = TinyRun.Name, ["self_rewarding.model"] = model, ["self_rewarding.training.recipe"] = plan.Recipe, ["self_rewarding.training.parent"] = plan.Parent.Name,
                    ["self_rewarding.training.dataset.sha256"] = plan.DatasetSha256, ["self_rewarding.training.examples"] = plan.Examples, ["self_rewarding.training.steps"] = plan.Steps,
                    ["self_rewarding.training.completed_steps"] = 0,
                },
                ignoreOrder: true);

            var steps = Facts<TrainingStepped>(training).ToDictionary(step => step.Step);
            var events = span.Events.ToList();
            events.Count.ShouldBeInRange(2, TrainingTelemetry.MostEvents);
            events.ShouldAllBe(e => e.Name == "self_rewarding.training.step");
            foreach (var tags in events.Select(e => e.Tags.ToDictionary()))
            {
                var step = steps[(int)tags["step"]!];
                (tags["loss"], tags["grad_norm"], tags["tokens"]).ShouldBe((step.Loss, step.GradNorm, step.Tokens));
                tags.GetValueOrDefault("rewards/margins").ShouldBe(step.Preference?.RewardsMargins);
            }
        }
    }

    [Fact]
    public void Training_links_to_the_freezing_of_its_dataset_and_that_to_the_prompt_that_settled_last()
    {
        var frozen = traced.Events.Single(stored => stored.Stream == StreamNames.Training(TinyRun.Name, "M2") && stored.Type == "dataset_frozen");
        var freezing = SpanOf(frozen);
        (freezing.DisplayName, freezing.ParentId).ShouldBe(("freeze dataset", null));
        Named("train M2").Links.Select(link => link.Context.TraceId).Distinct().ShouldBe([freezing.TraceId]);

        var settled = traced.Events.Last(stored => stored.Position < frozen.Position && stored.Type is "preference_pair_built" or "prompt_discarded");
        freezing.Links.ShouldHaveSingleItem().Context.TraceId.ToHexString().ShouldBe(settled.Metadata.CorrelationId);
    }

    [Fact]
    public void A_model_s_evaluation_links_to_its_training_and_holds_its_figures()
    {
        var evaluated = traced.Events.Where(stored => stored.Type == "model_evaluated").ToList();
        evaluated.Count.ShouldBe(2 + traced.Settings.Iterations + 1);
        foreach (var stored in evaluated)
        {
            var fact = (ModelEvaluated)FactJson.FromEvent(stored);
            var span = SpanOf(stored);
            (span.DisplayName, span.ParentId).ShouldBe(($"evaluate {fact.Model.Name}", null));
            span.Links.Select(link => link.Context.TraceId).ShouldContain(Named($"train {fact.Model.Name}").TraceId);
            span.GetTagItem("self_rewarding.evaluation.exact_match").ShouldBe(fact.Following.ExactMatchSampled);
            span.GetTagItem("self_rewarding.evaluation.pairwise_accuracy").ShouldBe(fact.Judging?.PairwiseAccuracy);
        }
    }

    // Whoever follows the log asks for news all the time; other tests' databases lie elsewhere.
    [Fact]
    public void The_database_is_asked_without_a_span_where_there_is_no_trace()
    {
        var asked = traced.RunSpans.Where(span => span.Source.Name == "Npgsql" && span.TagObjects.Any(tag => Text(tag.Value).Contains(traced.Folder, StringComparison.Ordinal))).ToList();
        asked.ShouldNotBeEmpty();
        asked.ShouldAllBe(span => span.ParentId != null);
    }

    [Fact]
    public void Measurements_have_the_tags_that_are_known_and_no_others()
    {
        foreach (var measured in traced.Measured.GroupBy(measured => measured.Name))
        {
            var known = KnownMetrics.Tags[measured.Key];
            measured.SelectMany(one => one.Tags.Keys).Distinct().ShouldBeSubsetOf(known, measured.Key);
            measured.ShouldContain(one => known.All(tag => tag == "error.type" || one.Tags.ContainsKey(tag)), measured.Key);
        }

        // In a run like this one no message fails, no server is asked, no checkpoints are compared, and no judgements.
        KnownMetrics.Tags.Keys.Except(traced.Measured.Select(measured => measured.Name)).ShouldBe(
            ["self_rewarding.message.failed", "gen_ai.client.operation.duration", "self_rewarding.training.win_rate", "self_rewarding.meta_judgement.made", "self_rewarding.judging_pair.built"],
            ignoreOrder: true);
    }

    [Fact]
    public void What_is_counted_is_what_the_log_says()
    {
        Sum("self_rewarding.candidate.sampled").ShouldBe(Facts<CandidatesSampled>(traced.Events).Sum(fact => fact.Candidates.Count));
        Sum("self_rewarding.judgement.made").ShouldBe(Facts<CandidatesJudged>(traced.Events).Sum(fact => fact.Judgements.Count));
        Sum("self_rewarding.judgement.made", ("outcome", "unparsable")).ShouldBe(Facts<CandidatesJudged>(traced.Events).Sum(fact => fact.Judgements.Count(judgement => judgement.Score is null)));
        Sum("self_rewarding.judgement.score").ShouldBe(Facts<CandidatesJudged>(traced.Events).Sum(fact => fact.Judgements.Sum(judgement => judgement.Score ?? 0)), 1e-6);
        Sum("self_rewarding.pair.built").ShouldBe(Facts<PreferencePairBuilt>(traced.Events).Count());
        Sum("self_rewarding.draft.rejected").ShouldBe(Facts<PromptGenerated>(traced.Events).Sum(fact => fact.Rejected.Count) + Facts<PromptDiscarded>(traced.Events).Sum(fact => fact.Rejected.Count));
        Sum("self_rewarding.prompt.stage", ("stage", "sampled")).ShouldBe(Facts<CandidatesSampled>(traced.Events).Count());
        Sum("self_rewarding.prompt.discarded", ("reason", "Tie")).ShouldBe(Facts<PromptDiscarded>(traced.Events).Count(fact => fact.Reason == DiscardReason.Tie));
        Sum("self_rewarding.training.tokens", ("model", "M2")).ShouldBe(Facts<TrainingStepped>(traced.Events).Where(step => step.Model == "M2").Sum(step => step.Tokens));
        // Other tests in this process may append to logs of their own.
        traced.Measured.Where(measured => measured.Name == "self_rewarding.log.position").Max(measured => measured.Value).ShouldBeGreaterThanOrEqualTo(traced.Events[^1].Position);
    }

    private double Sum(string name, params (string Key, string Value)[] tags) =>
        traced.Measured.Where(measured => measured.Name == name && tags.All(tag => Equals(measured.Tags[tag.Key], tag.Value))).Sum(measured => measured.Value);

    private static IEnumerable<T> Facts<T>(IEnumerable<StoredEvent> events) => events.Select(FactJson.FromEvent).OfType<T>();
}
