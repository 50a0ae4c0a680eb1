using System.Text.Json.Nodes;
using SelfRewarding.Datasets.OpenAssistant;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class OpenAssistantSetsTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Trees_are_parted_by_their_prompts_in_about_the_shares_asked_for_and_no_prompt_is_in_two_sets()
    {
        // Every prompt twice, in two trees and with other white space.
        var trees = Enumerable.Range(0, 2_000).Select(i => Tree($"t{i}", i % 2 == 0 ? $"Question {i / 2}?" : $" question  {i / 2}?", Answer("best", 0), Answer("worst", 1)));
        var (sets, examples) = Read(trees);

        examples.Count.ShouldBe(2_000);
        var bySet = examples.GroupBy(example => example.Set, example => string.Join(' ', Prompt(example.Line).ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            .ToDictionary(set => set.Key, set => set.ToHashSet());
        bySet.Values.Sum(prompts => prompts.Count).ShouldBe(1_000, "both trees of a prompt are in one set");
        bySet[OpenAssistantSet.HeldOut].Count.ShouldBeInRange(70, 130);
        bySet[OpenAssistantSet.Ranked].Count.ShouldBeInRange(250, 350);
        sets.Sets.Values.Sum(counts => counts.Prompts).ShouldBe(2_000);
        sets.LeftOut.ShouldBeEmpty();
    }

    [Fact]
    public void The_same_tree_falls_into_the_same_set_whatever_comes_before_it()
    {
        var trees = Enumerable.Range(0, 100).Select(i => Tree($"t{i}", $"Question {i}?", Answer("a", 0), Answer("b", 1))).ToList();
        var backwards = Read(trees.AsEnumerable().Reverse()).Examples;

        Read(trees).Examples.OrderBy(Text).ShouldBe(backwards.OrderBy(Text), ignoreOrder: false);
    }

    [Fact]
    public void A_demonstration_is_the_answer_of_rank_0() =>
        Read([Tree("t", "p", Answer("second", 1), Answer("first", 0))], ranked: 1e-9, heldOut: 1e-9).Examples.Single()
            .ShouldBe((OpenAssistantSet.Ift, """{"prompt":"p","response":"first"}"""));

    [Fact]
    public void Ranked_answers_keep_their_order_and_quality_and_close_the_gaps()
    {
        JsonObject[] answers = [Answer("c", 4, quality: 0.25), Answer("gone", 1, deleted: true), Answer("a", 0, quality: 0.75), Answer("b", 2), Answer("unranked", null), Answer("autre", 3, language: "fr")];
        var (sets, examples) = Read([Tree("t", "p", answers)], ranked: 0.999999, heldOut: 1e-9);

        examples.Single().ShouldBe((OpenAssistantSet.Ranked, """{"prompt":"p","responses":[{"text":"a","rank":0,"quality":0.75},{"text":"b","rank":1},{"text":"c","rank":2,"quality":0.25}]}"""));
        sets.Sets[OpenAssistantSet.Ranked].ShouldBe(new OpenAssistantSets.SetCounts(1, 3, 3));
    }

    [Fact]
    public void What_no_set_gets_is_counted_by_reason()
    {
        var good = Answer("a", 0);
        var (sets, examples) = Read(
            [
                Tree("t", "p", good), Tree("t", "p", good),
                Tree("fr", "p", good).With(tree => tree["prompt"]!["lang"] = "fr"),
                Tree("none", "p", good).With(tree => tree["prompt"] = null),
                Tree("deleted", "p", good).With(tree => tree["prompt"]!["deleted"] = true),
                Tree("refused", "p", good).With(tree => tree["prompt"]!["review_result"] = false),
                Tree("aborted", "p", good).With(tree => tree["tree_state"] = "aborted_low_grade"),
                Tree("lonely", "p", Answer("a", null)), Tree("childless", "p").With(tree => tree["prompt"]!["replies"] = null), Tree("second", "p", Answer("a", 1)),
            ],
            ranked: 1e-9, heldOut: 1e-9);

        examples.Count.ShouldBe(1);
        sets.Trees.ShouldBe(10);
        sets.LeftOut.ShouldBe(
            new Dictionary<string, long>
            {
                ["read before"] = 1, ["in another language"] = 1, ["without a good prompt"] = 3, ["not ready for export"] = 1, ["without an answer of rank 0"] = 3,
            },
            ignoreOrder: true);
    }

    [Theory]
    [InlineData("""{"prompt":"p","response":"a"}""", "\"message_tree_id\" is missing")]
    [InlineData("""{"message_tree_id":"t","prompt":"p"}""", "\"prompt\" is a text, expected an object.")]
    [InlineData("""{"message_tree_id":"t","prompt":{"text":"p","role":"assistant"}}""", "\"prompt.role\" is 'assistant', expected 'prompter'.")]
    [InlineData("""{"message_tree_id":"t","prompt":{"text":"p","role":"prompter","replies":[{"role":"assistant"}]}}""", "\"prompt.replies[0].text\" is missing")]
    [InlineData("""{"message_tree_id":"t","prompt":{"text":"p","role":"prompter","deleted":"no"}}""", "\"prompt.deleted\" is a text, expected true or false.")]
    public void A_line_that_is_no_tree_is_named(string line, string expected)
    {
        var path = _folder.Write("trees.jsonl", "", line);
        Should.Throw<DataFileException>(() => new OpenAssistantSets(new()).Read(path).Count()).Message.ShouldBe($"{path}:2: {expected}");
    }

    private (OpenAssistantSets Sets, List<(OpenAssistantSet Set, string Line)> Examples) Read(IEnumerable<JsonObject> trees, double ranked = 0.3, double heldOut = 0.1)
    {
        var sets = new OpenAssistantSets(new("en", ranked, heldOut));
        var path = _folder.WriteGzipped("trees.jsonl.gz", string.Concat(trees.Select(tree => tree.ToJsonString() + "\n")));
        return (sets, [.. sets.Read(path).Select(example => (example.Set, example.Line.ToString()))]);
    }

    private static JsonObject Tree(string id, string prompt, params JsonObject[] answers) => new()
    {
        ["message_tree_id"] = id,
        ["tree_state"] = "ready_for_export",
        ["prompt"] = new JsonObject
        {
            ["message_id"] = id, ["text"] = prompt, ["role"] = "prompter", ["lang"] = "en", ["review_result"] = true, ["deleted"] = false, ["rank"] = null,
            ["replies"] = new JsonArray([.. answers.Select(answer => answer.DeepClone())]),
        },
    };

    private static JsonObject Answer(string text, int? rank, double? quality = null, bool deleted = false, string language = "en") => new()
    {
        ["text"] = text, ["role"] = "assistant", ["lang"] = language, ["review_result"] = true, ["deleted"] = deleted, ["rank"] = rank, ["emojis"] = new JsonObject { ["+1"] = 3 },
        ["labels"] = quality is null ? null : new JsonObject { ["quality"] = new JsonObject { ["value"] = quality, ["count"] = 3 } },
        ["replies"] = new JsonArray(new JsonObject { ["text"] = "and then?", ["role"] = "prompter" }),
    };

    private static string Prompt(string line) => JsonNode.Parse(line)!["prompt"]!.GetValue<string>();

    private static string Text((OpenAssistantSet Set, string Line) example) => $"{example.Set} {example.Line}";
}

file static class Trees
{
    public static JsonObject With(this JsonObject tree, Action<JsonObject> change)
    {
        change(tree);
        return tree;
    }
}
