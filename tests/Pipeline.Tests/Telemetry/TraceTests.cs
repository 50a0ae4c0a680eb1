using System.Diagnostics;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A prompt through real servers and all workers: its spans, their parents, names, kinds and tags, those that are there and those that are not.</summary>
[Collection(SpreadRuns.Name)]
public sealed partial class TraceTests(QuietRun quiet, TracedRun traced) : IClassFixture<TracedRun>
{
    private static readonly ActivitySource Source = new("SelfRewarding.Pipeline.Tests");

    [Fact]
    public async Task A_run_that_is_listened_to_freezes_the_datasets_of_one_that_is_not() => (await TinyRun.FingerprintAsync(traced.Folder)).ShouldBe(quiet.Fingerprint);

    [Fact]
    public void Every_stage_of_a_prompt_is_recorded_in_one_trace()
    {
        foreach (var prompt in traced.Events.Where(stored => stored.Stream.StartsWith("prompt-", StringComparison.Ordinal)).GroupBy(stored => stored.Stream))
        {
            prompt.Select(stored => stored.Metadata.CorrelationId).Distinct().Count().ShouldBe(1, prompt.Key);
            foreach (var stored in prompt)
            {
                var span = SpanOf(stored);
                span.DisplayName.ShouldBe(stored.Version switch { 1 => "prompt", 2 => "sampler process", 3 => "judge process", _ => "pair-builder process" });
                stored.Metadata.Headers!["traceparent"].ShouldBe($"00-{stored.Metadata.CorrelationId}-{stored.Metadata.CausationId}-01");
                span.GetTagItem("self_rewarding.run").ShouldBe(TinyRun.Name);
                StreamNames.Prompt(TinyRun.Name, (int)span.GetTagItem("self_rewarding.iteration")!, (int)span.GetTagItem("self_rewarding.ordinal")!).ShouldBe(stored.Stream);
            }
        }
    }

    [Fact]
    public void A_prompt_s_trace_leads_from_its_pair_through_every_worker_back_to_its_draft()
    {
        var settled = SpanOf(Paired()[3]);
        var spans = InTrace(settled);

        Ancestors(settled, spans).Select(span => (span.DisplayName, span.Kind)).ShouldBe(
        [
            ("pair-builder process", ActivityKind.Consumer), ("pair-builder receive", ActivityKind.Consumer), ("SelfRewarding.Contracts:CandidatesJudged send", ActivityKind.Producer),
            ("judge process", ActivityKind.Consumer), ("judge receive", ActivityKind.Consumer), ("SelfRewarding.Contracts:CandidatesSampled send", ActivityKind.Producer),
            ("sampler process", ActivityKind.Consumer), ("sampler receive", ActivityKind.Consumer), ("SelfRewarding.Contracts:PromptGenerated send", ActivityKind.Producer),
            ("prompt", ActivityKind.Internal),
        ]);
        Ancestors(settled, spans)[^1].ParentId.ShouldBeNull();
        spans.ShouldContain(span => span.DisplayName == "SelfRewarding.Contracts:PreferencePairBuilt send" && span.ParentSpanId == settled.SpanId);
        spans.Where(span => span.Source.Name == "Npgsql").ShouldAllBe(span => span.Kind == ActivityKind.Client && spans.Any(other => other.SpanId == span.ParentSpanId));
        spans.ShouldAllBe(span => span.Status != ActivityStatusCode.Error);
    }

    [Fact]
    public void A_prompt_s_trace_links_to_the_drafting_of_its_iteration_and_that_to_the_model_s_training()
    {
        var begun = SpanOf(Paired()[0]);
        var drafting = traced.Spans.Single(span => span.SpanId == begun.Links.ShouldHaveSingleItem().Context.SpanId);
        (drafting.DisplayName, drafting.Kind, drafting.ParentId).ShouldBe(("draft prompts", ActivityKind.Internal, null));
        drafting.TraceId.ShouldNotBe(begun.TraceId);

        var iteration = (int)begun.GetTagItem("self_rewarding.iteration")!;
        drafting.GetTagItem("gen_ai.request.model").ShouldBe($"M{iteration}");
        drafting.Links.ShouldHaveSingleItem().Context.TraceId.ShouldBe(Named($"train M{iteration}").TraceId);
    }

    [Fact]
    public void Drafts_answers_and_judgements_are_chat_spans_in_the_span_that_asked_for_them()
    {
        var stages = Paired();
        var model = $"M{((PromptGenerated)FactJson.FromEvent(stages[0])).Iteration}";
        var drafts = Children(SpanOf(stages[0])).Where(span => span.DisplayName == $"chat {model}").ToList();
        drafts.Count.ShouldBeGreaterThanOrEqualTo(1);
        drafts.ShouldAllBe(span => span.GetTagItem("gen_ai.request.seed") is long && span.GetTagItem("gen_ai.request.choice.count") == null);

        var answers = Children(SpanOf(stages[1])).Where(span => span.Source.Name == "SelfRewarding.Model").ShouldHaveSingleItem();
        answers.Kind.ShouldBe(ActivityKind.Internal);
        answers.TagObjects.Select(tag => tag.Key).Order(StringComparer.Ordinal).ShouldBe(
        [
            "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.choice.count", "gen_ai.request.max_tokens", "gen_ai.request.model", "gen_ai.request.temperature", "gen_ai.request.top_p",
            "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "self_rewarding.request.seeds",
        ]);
        answers.GetTagItem("gen_ai.request.model").ShouldBe(model);
        answers.GetTagItem("gen_ai.request.choice.count").ShouldBe(traced.Settings.Candidates.Count);

        var judging = Children(SpanOf(stages[2])).Where(span => span.DisplayName == $"judge {model}").ToList();
        judging.Select(span => (int)span.GetTagItem("self_rewarding.candidate")!).Order().ShouldBe(Enumerable.Range(0, traced.Settings.Candidates.Count));
        judging.ShouldAllBe(span => span.Kind == ActivityKind.Internal && Children(span).Single().DisplayName == $"chat {model}");
    }

    [Fact]
    public void Each_judgement_is_an_event_with_its_score_or_the_reason_why_there_is_none()
    {
        var judged = traced.Events.Where(stored => stored.Type == "candidates_judged").ToList();
        foreach (var stored in judged)
        {
            var fact = (CandidatesJudged)FactJson.FromEvent(stored);
            foreach (var span in Children(SpanOf(stored)).Where(span => span.DisplayName.StartsWith("judge ", StringComparison.Ordinal)))
            {
                var judgements = fact.Judgements.Where(judgement => judgement.Candidate == (int)span.GetTagItem("self_rewarding.candidate")!).ToList();
                foreach (var (judgement, result) in judgements.Zip(span.Events.ToList(), (judgement, result) => (judgement, result)))
                {
                    result.Name.ShouldBe("gen_ai.evaluation.result");
                    result.Tags.ToDictionary().ShouldBe(Expected(judgement), ignoreOrder: true);
                }

                span.Events.Count().ShouldBe(judgements.Count);
            }
        }

        judged.SelectMany(stored => ((CandidatesJudged)FactJson.FromEvent(stored)).Judgements).ShouldContain(judgement => judgement.Score != null);
    }

    [Fact]
    public void No_span_holds_a_prompt_an_answer_or_a_judgement()
    {
        foreach (var prompt in traced.Events.Where(stored => stored.Type == "candidates_judged").Take(5).Select(stored => stored.Stream))
        {
            var stages = Stages(prompt);
            var said = InTrace(SpanOf(stages[0])).SelectMany(span => span.TagObjects.Concat(span.Events.SelectMany(e => e.Tags)).Select(tag => $"{tag.Key} {Text(tag.Value)}").Append(span.StatusDescription ?? "")).ToList();
            var texts = (string[])[
                ((PromptGenerated)FactJson.FromEvent(stages[0])).Prompt,
                .. ((CandidatesSampled)FactJson.FromEvent(stages[1])).Candidates.Select(candidate => candidate.Text),
                .. ((CandidatesJudged)FactJson.FromEvent(stages[2])).Judgements.Select(judgement => judgement.Raw)];

            // Shorter texts may be part of anything.
            foreach (var text in texts.Where(text => text.Length >= 8))
                said.ShouldNotContain(tag => tag.Contains(text, StringComparison.Ordinal), text);
            said.ShouldNotContain(tag => tag.StartsWith("gen_ai.input.messages", StringComparison.Ordinal) || tag.StartsWith("gen_ai.output.messages", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_message_that_was_lost_is_published_again_in_the_trace_of_its_fact()
    {
        const string Run = "lost";
        var generated = (PromptGenerated)FactJson.FromEvent(Paired()[0]) with { Run = Run };
        var stream = StreamNames.Prompt(Run, generated.Iteration, generated.Ordinal);
        var log = traced.Services("sampler").GetRequiredService<FactLog>();
        using (Source.StartActivity("worker that died").ShouldNotBeNull())
            await log.AppendOnceAsync(stream, PromptStage.Generated, generated, TestContext.Current.CancellationToken);

        await traced.StartAsync(Run);

        var stages = await traced.StreamAsync(stream, PromptStage.Settled);
        stages.Select(stored => stored.Metadata.CorrelationId).Distinct().ShouldHaveSingleItem();
        var settled = await traced.SpanAsync(span => span.SpanId.ToHexString() == stages[3].Metadata.CausationId);
        Ancestors(settled, InTrace(settled)).Select(span => span.DisplayName).TakeLast(3).ShouldBe(["SelfRewarding.Contracts:PromptGenerated send", "republish", "worker that died"]);
    }

    [Fact]
    public async Task A_redelivered_prompt_that_lost_its_trace_is_linked_to_it_and_computes_nothing()
    {
        var stages = Paired();
        using (var stranger = Source.StartActivity("stranger").ShouldNotBeNull())
        {
            await traced.Services("sampler").GetRequiredService<IBus>().PublishFactAsync(FactJson.FromEvent(stages[0]), TestContext.Current.CancellationToken);
            await traced.SpanAsync(span => span.TraceId == stranger.TraceId && span.DisplayName == "pair-builder process");

            var seen = InTrace(stranger);
            foreach (var worker in (string[])["sampler", "judge", "pair-builder"])
                seen.Single(span => span.DisplayName == $"{worker} process").Links.ShouldHaveSingleItem().Context.TraceId.ToHexString().ShouldBe(stages[0].Metadata.CorrelationId);
            seen.ShouldNotContain(span => span.Source.Name == "SelfRewarding.Model");
        }

        (await traced.Store.ReadStreamAsync(stages[0].Stream, 1, TestContext.Current.CancellationToken)).Count.ShouldBe(4);
    }

    private static Dictionary<string, object?> Expected(Judgement judgement)
    {
        var tags = new Dictionary<string, object?> { ["gen_ai.evaluation.name"] = "additive_score" };
        if (judgement.Score is { } score)
            return new(tags) { ["gen_ai.evaluation.score.value"] = score };
        return new(tags) { ["error.type"] = "unparsable", ["gen_ai.evaluation.score.label"] = "unparsable", ["gen_ai.evaluation.explanation"] = judgement.Unparsable };
    }

    private static string Text(object? value) => value is System.Collections.IEnumerable many and not string ? string.Join(' ', many.Cast<object?>()) : $"{value}";

    // The stages of a prompt that became a pair.
    private IReadOnlyList<StoredEvent> Paired() => Stages(traced.Events.First(stored => stored.Type == "preference_pair_built").Stream);

    private IReadOnlyList<StoredEvent> Stages(string stream) => [.. traced.Events.Where(stored => stored.Stream == stream).OrderBy(stored => stored.Version)];

    private Activity SpanOf(StoredEvent stored) =>
        traced.Spans.Single(span => span.SpanId.ToHexString() == stored.Metadata.CausationId && span.TraceId.ToHexString() == stored.Metadata.CorrelationId);

    private Activity Named(string name) => traced.Spans.Single(span => span.DisplayName == name);

    private IReadOnlyList<Activity> InTrace(Activity member) => [.. traced.Spans.Where(span => span.TraceId == member.TraceId)];

    private IReadOnlyList<Activity> Children(Activity parent) => [.. traced.Spans.Where(span => span.ParentSpanId == parent.SpanId && span.TraceId == parent.TraceId)];

    private static List<Activity> Ancestors(Activity? span, IReadOnlyList<Activity> spans)
    {
        var found = new List<Activity>();
        for (; span is not null; span = spans.SingleOrDefault(other => other.SpanId == span.ParentSpanId))
            found.Add(span);
        return found;
    }
}
