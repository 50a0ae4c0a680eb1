using System.Text.Json.Nodes;
using SelfRewarding.Benchmarks;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>
/// Open Assistant's conversations through every stage with a model of 260,000 parameters that was trained on children's stories: it cannot judge and cannot learn to here, and what counts is that the run says so and loses nothing.
/// </summary>
[Collection(WholeRuns.Name)]
public sealed class OpenAssistantTests : IDisposable
{
    private const int Prompts = 24, Candidates = 2, Judgements = 2;

    // The paper's text for a judge alone is longer than this model's context.
    private const string Settings = """
        {
          "preset": "paper", "iterations": 1, "seed": 3,
          "format": {
            "answer": "{prompt}\n", "judge": "Request: {prompt}\nReply: {response}\nReasons, then Score: and a number from 0 to 5.\n", "draft": "Tasks:\n{examples}", "draft_example": "- {prompt}\n"
          },
          "sft": { "steps": 6, "baseline_steps": 6, "batch": 4 },
          "prompts": { "per_iteration": 24, "seed_shots": 2, "own_shots": 1, "max_drafts": 4, "sampling": { "max_new_tokens": 48 } },
          "candidates": { "count": 2, "sampling": { "max_new_tokens": 48 } },
          "judge": { "count": 2, "sampling": { "max_new_tokens": 32 } },
          "evaluation": { "prompts": 6, "ranked": 8, "judgements": 1, "sampling": { "max_new_tokens": 32 } },
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-oasst-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Its_data_go_through_every_stage_and_the_run_says_truthfully_what_came_of_it()
    {
        var (model, ranked) = (Beside("fixtures/stories260K"), Beside("data/oasst/eft_seed_oasst_ranked.jsonl"));
        var made = await MadeOfTreesAsync(ranked);
        string[] files = [.. ((string[])["ift", "ranked", "heldout"]).Select(name => Path.Combine(made, name + ".jsonl"))];
        foreach (var file in files)
            (await SelfrewardProcess.RunAsync("data", "check", file)).ShouldSatisfyAllConditions(check => check.ExitCode.ShouldBe(0), check => check.Output.ShouldEndWith(", nothing wrong.\n"));

        var (settings, data) = (Path.Combine(_folder, "settings.json"), Path.Combine(_folder, "data"));
        await File.WriteAllTextAsync(settings, Settings, TestContext.Current.CancellationToken);
        var (code, output, errors) = await SelfrewardProcess.RunAsync(
            "run", "--plain", "--run", "oa", "--data", data, "--settings", settings, "--model", model, "--ift", files[0], "--eft", files[1], "--heldout", files[2]);
        code.ShouldBe(1, output + errors);

        var facts = await FactsAsync(data);
        var judged = facts.OfType<CandidatesJudged>().SelectMany(fact => fact.Judgements).ToList();
        var sentence = $"no usable pair from {Prompts} prompts (all {judged.Count} judgements unparsable)";
        facts.OfType<RunStopped>().ShouldHaveSingleItem().Reason.ShouldEndWith(sentence);
        output.ReplaceLineEndings(" ").ShouldContain(sentence[..60]);

        // Prompt filters: every draft is accepted or has its reason, and all prompts are accounted for.
        var (accepted, given) = (facts.OfType<PromptGenerated>().ToList(), facts.OfType<PromptDiscarded>().Where(fact => fact.Reason == DiscardReason.NoAcceptableDraft).ToList());
        (accepted.Count + given.Count).ShouldBe(Prompts);
        accepted.ShouldNotBeEmpty();
        accepted.SelectMany(fact => fact.Rejected).Concat(given.SelectMany(fact => fact.Rejected)).ShouldAllBe(draft => draft.Reason.Length > 0);

        // Judgements: all there, with what was written, and none has a score.
        judged.Count.ShouldBe(accepted.Count * Candidates * Judgements);
        judged.ShouldAllBe(judgement => judgement.Raw.Length > 0 && judgement.Score == null && judgement.Unparsable != null);

        // EFT builder: a verdict with its reason on each ranked prompt; a judging text that does not fit is not cut.
        var built = facts.OfType<EftBuilt>().ShouldHaveSingleItem();
        built.Verdicts.Count.ShouldBe(File.ReadLines(files[1]).Count());
        (built.Accepted, built.Thinned, built.HistogramBefore.Count, built.HistogramAfter.Count).ShouldBe((0, 0, 0, 0));
        built.Verdicts.ShouldAllBe(verdict => !verdict.Accepted && verdict.Reason.Contains("unparsable") && verdict.Judgements.Count == verdict.Answers);
        built.Verdicts.SelectMany(verdict => verdict.Judgements).ShouldAllBe(judgement => judgement.Raw.Length > 0 || judgement.Unparsable!.Contains("context of 512"));

        // Evaluation: every published model, with figures that say that nothing could be judged.
        facts.OfType<ModelEvaluated>().Select(fact => fact.Model.Name).ShouldBe(["M0", "SFT", "M1"]);
        output.ShouldMatch(@"unparsable %\s+100\.0\s+100\.0\s+100\.0");
        (await SelfrewardProcess.RunAsync("verify", "oa", "--data", data)).ShouldSatisfyAllConditions(verify => verify.ExitCode.ShouldBe(0, verify.Output + verify.Errors));
    }

    // The texts lie here as ranked answers, a prompt a line: they are put back into trees, so that all of the way is gone.
    private async Task<string> MadeOfTreesAsync(string ranked)
    {
        var (trees, made) = (Path.Combine(_folder, "trees.jsonl"), Path.Combine(_folder, "made"));
        await File.WriteAllLinesAsync(trees, File.ReadLines(ranked).Take(150).Select(line => Tree(JsonNode.Parse(line)!).ToJsonString()), TestContext.Current.CancellationToken);
        var (code, output, errors) = await SelfrewardProcess.RunAsync("data", "oasst", trees, "--out", made);
        code.ShouldBe(0, errors);
        output.ShouldContain("150 message trees.");
        return made;
    }

    private static JsonObject Tree(JsonNode line)
    {
        static JsonObject Message(string role, JsonNode text) => new() { ["role"] = role, ["lang"] = "en", ["text"] = text.DeepClone() };
        var prompt = Message("prompter", line["prompt"]!);
        prompt["replies"] = new JsonArray([.. line["responses"]!.AsArray().Select(response =>
        {
            var reply = Message("assistant", response!["text"]!);
            reply["rank"] = response["rank"]?.DeepClone();
            return reply;
        })]);
        return new JsonObject { ["message_tree_id"] = line["prompt_id"]!.DeepClone(), ["prompt"] = prompt };
    }

    private static async Task<List<object>> FactsAsync(string data)
    {
        await using var log = await LogReader.OpenAsync(data, CancellationToken.None);
        var facts = new List<object>();
        await foreach (var recorded in log.Runs.ReadAllAsync(0, "oa", CancellationToken.None))
            facts.Add(recorded.Fact);
        return facts;
    }

    private static string Beside(string path)
    {
        var found = BesideCheckout.Find(path);
        Assert.SkipWhen(found is null, $"../shared/{path} is not beside this checkout");
        return found!;
    }
}
