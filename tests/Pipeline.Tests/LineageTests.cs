using System.Text.Json.Nodes;
using SelfRewarding.Control;
using SelfRewarding.Control.Lineage;
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

    [Theory]
    [InlineData("no run 'tinny', expected one of", "tinny/M2")]
    [InlineData("has no model M9 yet, expected one of M0, SFT, M1, M2, M3", "tiny/M9")]
    [InlineData("has no prompt 999, expected 0 to 23", "tiny/1/999")]
    [InlineData("has no iteration 7, expected 1 to 2", "tiny/7/1")]
    [InlineData("has no step 9999, expected 1 to", "tiny/M2/step/9999")]
    [InlineData("'tiny/what' is no id, expected RUN/1/17", "tiny/what")]
    public async Task What_there_is_not_is_answered_with_what_there_is(string sentence, string id)
    {
        var (code, _, errors) = await SelfrewardProcess.RunAsync("lineage", id, "--data", quiet.Folder);
        code.ShouldBe(CommandLine.WrongInput);
        errors.ShouldContain(sentence);
        errors.Trim().Split('\n').Length.ShouldBe(1);
    }

    [Theory]
    [InlineData("1/17", "a/1/17")]
    [InlineData("M2", "a/M2")]
    [InlineData("prompt-a-1-17", "a/1/17")]
    [InlineData("training-a-M2", "a/M2")]
    [InlineData("a/1/17/pair", "a/1/17")]
    public void An_id_has_short_forms(string id, string whole) => LineageId.Parse(id, ["a"]).ShouldBe(LineageId.Parse(whole, ["a"]));

    private async Task<JsonObject> JsonAsync(string id)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync("lineage", id, "--json", "--data", quiet.Folder);
        code.ShouldBe(0, errors);
        return JsonNode.Parse(output)!.AsObject();
    }

    private static IEnumerable<JsonNode> All(JsonNode node) => node["children"]!.AsArray().SelectMany(child => All(child!)).Prepend(node);

    private static JsonNode Find(JsonNode tree, string kind) => All(tree).First(node => Kind(node) == kind);

    private static string Kind(JsonNode node) => node["kind"]!.GetValue<string>();
}
