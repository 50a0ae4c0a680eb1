using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Lineage;
using SelfRewarding.Datasets;
using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>"Why did the model learn this?" From the last model one walks to the seed's examples, every text on the way whole.</summary>
[Collection(WholeRuns.Name)]
public sealed class LineageTests(QuietRun quiet)
{
    [Fact]
    public async Task From_the_last_model_one_walks_to_the_pair_the_judgements_the_prompt_and_the_seed()
    {
        var model = await JsonAsync("tiny/M3");
        Find(model, "comes from")["id"]!.GetValue<string>().ShouldBe("tiny/M2");
        var pair = Find(model, "pair")["id"]!.GetValue<string>();
        pair.ShouldStartWith("tiny/2/");

        var prompt = await JsonAsync(pair);
        All(prompt).Where(node => Kind(node).StartsWith("drawn from", StringComparison.Ordinal)).ShouldNotBeEmpty();
        All(prompt).Count(node => Kind(node) == "answer").ShouldBe(4);
        All(prompt).Count(node => Kind(node) == "judgement" && node["text"]!.GetValue<string>().Length > 0).ShouldBe(12);
        var trained = Find(prompt, "trained");
        trained["id"]!.GetValue<string>().ShouldBe("tiny/M3");
        var step = Find(trained, "step")["id"]!.GetValue<string>();

        var seen = await JsonAsync(step);
        All(seen).Select(node => node["id"]?.GetValue<string>()).ShouldContain(pair);
        seen["facts"]!["rewards/margins"].ShouldNotBeNull();
    }

    [Fact]
    public async Task An_answer_and_a_judgement_are_shown_alone_with_their_prompt()
    {
        var pair = Find(await JsonAsync("tiny/M2"), "pair")["id"]!.GetValue<string>();
        var answer = await JsonAsync($"{pair}/c1");
        All(answer).Where(node => Kind(node) == "answer").ShouldHaveSingleItem()["id"]!.GetValue<string>().ShouldBe($"{pair}/c1");
        All(await JsonAsync($"{pair}/c1/j2")).Where(node => Kind(node) == "judgement").ShouldHaveSingleItem()["id"]!.GetValue<string>().ShouldBe($"{pair}/c1/j2");
    }

    [Fact]
    public async Task A_seed_prompt_leads_to_the_prompts_that_were_drafted_after_it_and_they_back()
    {
        var prompt = Find(await JsonAsync("tiny/M2"), "pair")["id"]!.GetValue<string>();
        var shot = Find(await JsonAsync(prompt), "drawn from the seed's prompt");
        shot["facts"]!["place"]!.GetValue<string>().ShouldStartWith("kata, seed prompt ");

        var seed = await JsonAsync(shot["id"]!.GetValue<string>());
        seed["text"]!.GetValue<string>().ShouldBe(shot["text"]!.GetValue<string>());
        All(seed).Where(node => Kind(node) == "led to the prompt").Select(node => node["id"]!.GetValue<string>()).ShouldContain(prompt);
    }

    [Theory]
    [InlineData("tiny/SFT/step/3", "demonstration", "tiny/ift/", "SFT")]
    [InlineData("tiny/M1/step/7", "judging example", "tiny/eft/", "M1")]
    [InlineData("tiny/M1/step/7", "drafting example", "tiny/drafts/", "M1")]
    [InlineData("tiny/M2/step/2", "judging example shown again", "tiny/eft/", "M2")]
    public async Task A_step_names_the_examples_that_it_showed_and_they_the_step(string step, string kind, string ids, string model)
    {
        var shown = Find(await JsonAsync(step), kind);
        var id = shown["id"]!.GetValue<string>();
        id.ShouldStartWith(ids);
        var example = await JsonAsync(id);
        example["text"]!.GetValue<string>().ShouldBe(shown["text"]!.GetValue<string>());
        var trained = All(example).Single(node => Kind(node) == "trained" && node["id"]!.GetValue<string>() == $"tiny/{model}");
        All(trained).Where(node => Kind(node) == "step").Select(node => node["id"]!.GetValue<string>()).ShouldContain(step);
    }

    [Fact]
    public async Task A_pair_s_own_rewards_are_there_before_and_after_each_step_that_saw_it()
    {
        var first = All(await JsonAsync("tiny/M2/step/1")).Where(node => Kind(node) == "pair").ToList();
        first.ShouldNotBeEmpty();
        first.ShouldAllBe(pair => Math.Abs(Number(pair, "margin")) < 1e-4, "the policy is the reference yet");

        var pairId = first[0]["id"]!.GetValue<string>();
        var steps = All(await JsonAsync(pairId)).Where(node => Kind(node) == "step").ToList();
        steps.Count.ShouldBe(2, "two epochs show it twice");
        var after = Find(steps[0], "pair after");
        after["id"]!.GetValue<string>().ShouldBe(steps[1]["id"]!.GetValue<string>());
        Number(after, "margin").ShouldBe(Number(Find(steps[1], "pair before"), "margin"));
        Number(after, "margin").ShouldNotBe(0);
        var seen = All(await JsonAsync(after["id"]!.GetValue<string>())).Single(node => Kind(node) == "pair" && node["id"]!.GetValue<string>() == pairId);
        Number(seen, "chosen reward").ShouldBe(Number(after, "chosen reward"));
        All(steps[1]).ShouldNotContain(node => Kind(node) == "pair after", "nothing was measured behind the last step");
    }

    [Fact]
    public async Task What_a_pair_came_to_in_the_end_is_measured_with_the_models_on_disk()
    {
        var id = Find(await JsonAsync("tiny/M2"), "pair")["id"]!.GetValue<string>();
        var measured = All(await JsonAsync(id, "--measure")).Last(node => Kind(node) == "pair after");
        measured["id"]!.GetValue<string>().ShouldBe("tiny/M2");

        await using var log = await LogReader.OpenAsync(quiet.Folder, CancellationToken.None);
        var history = await log.Runs.ReadPromptAsync("tiny", 1, int.Parse(id.Split('/')[^1], System.Globalization.CultureInfo.InvariantCulture), CancellationToken.None);
        var pair = (PreferencePairBuilt)history.Outcome!;
        var cut = history.Sampled!.Candidates.Single(candidate => candidate.Index == pair.Rejected.Candidate).Finish == Finish.Length;
        using var before = CheckpointFolder.Load(Path.Combine(quiet.Folder, "runs", "tiny", "models", "M1"));
        using var trained = CheckpointFolder.Load(Path.Combine(quiet.Folder, "runs", "tiny", "models", "M2"));
        var settings = await log.Catalog.SettingsOfAsync("tiny", CancellationToken.None);
        Number(measured, "chosen reward").ShouldBe(Reward(pair.Chosen.Text, ends: true), 1e-4);
        Number(measured, "rejected reward").ShouldBe(Reward(pair.Rejected.Text, ends: !cut), 1e-4);
        Number(measured, "margin").ShouldNotBe(0);

        // β (log π − log π_ref), token by token from each model's own logits.
        double Reward(string answer, bool ends) => settings.Dpo.Beta * (LogProb(trained, answer, ends) - LogProb(before, answer, ends));

        double LogProb(LoadedModel model, string answer, bool ends)
        {
            var prompt = model.Tokenizer.Encode(new PromptFormat(settings.Format).Answer(pair.Prompt), addBos: true);
            int[] response = [.. model.Tokenizer.Encode(answer), .. ends ? model.Tokenizer.Eos.Take(1) : []];
            using var batch = SequenceBatch.Of([new TrainingSequence(prompt, response)]);
            using var off = TorchSharp.torch.no_grad();
            return batch.TargetLogProbs(model.Model).data<float>().ToArray().Sum(value => (double)value);
        }
    }

    [Theory]
    [InlineData("no run 'tinny', expected one of", "tinny/M2")]
    [InlineData("has no model M9 yet, expected one of M0, SFT, M1, M2, M3", "tiny/M9")]
    [InlineData("has no prompt 999, expected 0 to 23", "tiny/1/999")]
    [InlineData("has no iteration 7, expected 1 to 2", "tiny/7/1")]
    [InlineData("has no step 9999, expected 1 to", "tiny/M2/step/9999")]
    [InlineData("'tiny/what' is no id, expected RUN/1/17", "tiny/what")]
    [InlineData("has no eft/1500, expected eft/0 to eft/1499", "tiny/eft/1500")]
    [InlineData("has no ranked/0, expected none", "tiny/ranked/0")]
    [InlineData("'tiny/M2' is no pair, expected a prompt that made one, such as tiny/1/17", "tiny/M2", "--measure")]
    public async Task What_there_is_not_is_answered_with_what_there_is(string sentence, string id, params string[] more)
    {
        var (code, _, errors) = await SelfrewardProcess.RunAsync(["lineage", id, "--data", quiet.Folder, .. more]);
        code.ShouldBe(CommandLine.WrongInput);
        errors.ShouldContain(sentence);
        errors.Trim().Split('\n').Length.ShouldBe(1);
    }

    [Theory]
    [InlineData("1/17", "a/1/17")]
    [InlineData("M2", "a/M2")]
    [InlineData("seed/3", "a/seed/3")]
    [InlineData("prompt-a-1-17", "a/1/17")]
    [InlineData("training-a-M2", "a/M2")]
    [InlineData("a/1/17/pair", "a/1/17")]
    public void An_id_has_short_forms(string id, string whole) => LineageId.Parse(id, ["a"]).ShouldBe(LineageId.Parse(whole, ["a"]));

    private async Task<JsonObject> JsonAsync(string id, params string[] more)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["lineage", id, "--json", "--data", quiet.Folder, .. more]);
        code.ShouldBe(0, errors);
        return JsonNode.Parse(output)!.AsObject();
    }

    private static IEnumerable<JsonNode> All(JsonNode node) => node["children"]!.AsArray().SelectMany(child => All(child!)).Prepend(node);

    private static JsonNode Find(JsonNode tree, string kind) => All(tree).First(node => Kind(node) == kind);

    private static double Number(JsonNode node, string name) => node["facts"]![name]!.GetValue<double>();

    private static string Kind(JsonNode node) => node["kind"]!.GetValue<string>();
}
