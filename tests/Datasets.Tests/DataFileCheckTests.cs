using System.Text;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class DataFileCheckTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_wrong_line_is_said_and_the_others_are_counted()
    {
        var check = new DataFileCheck(_folder.Write(
            "ift.jsonl", """{"prompt":"a","response":"b"}""", "{", "", """{"prompt":"a"}""", """{"prompt":"a","response":"c"}""", """{"prompt":" ","response":"c"}"""));

        ProblemsOf(check).ShouldBe(
        [
            "ift.jsonl:2: not JSON: Expected depth to be zero at the end of the JSON payload. There is an open JSON object or array that should be closed (byte 2); expected one object a line.",
            "ift.jsonl:4: \"response\" is missing",
            "ift.jsonl:6: \"prompt\" is blank.",
        ]);
        (check.Kind, check.Right, check.Wrong).ShouldBe((DataKind.Ift, 2, 3));
    }

    [Theory]
    [InlineData(DataKind.Prompts, """{"prompt":"a"}""")]
    [InlineData(DataKind.Ift, """{"prompt":"a","response":"b"}""")]
    [InlineData(DataKind.Eft, """{"prompt":"a","response":"b","judgement":"Score: 4","score":4}""")]
    [InlineData(DataKind.Ranked, """{"prompt":"a","responses":[{"text":"x","rank":1},{"text":"y","rank":0}]}""")]
    [InlineData(DataKind.Ranked, """{"turns":[{"text":"a"}],"responses":[{"text":"x","rank":1},{"text":"y","rank":0}]}""")]
    [InlineData(DataKind.Pairs, """{"prompt":"a","chosen":"b","rejected":"","score_chosen":4,"score_rejected":1.5}""")]
    public void The_first_line_says_what_kind_of_file_it_is(DataKind expected, string line)
    {
        var check = new DataFileCheck(_folder.WriteGzipped("data.jsonl.gz", line + "\n"));

        ProblemsOf(check).ShouldBeEmpty();
        (check.Kind, check.Right).ShouldBe((expected, 1));
    }

    [Fact]
    public void A_kind_that_is_given_holds_for_every_line()
    {
        var path = _folder.Write("data.jsonl", """{"prompt":"a","response":"b"}""");
        ProblemsOf(new DataFileCheck(path, DataKind.Prompts)).ShouldBeEmpty();
        ProblemsOf(new DataFileCheck(path, DataKind.Ranked)).ShouldBe(["data.jsonl:1: \"responses\" is missing"]);
    }

    [Fact]
    public void Lines_of_no_kind_are_wrong_until_one_tells()
    {
        var check = new DataFileCheck(_folder.Write("data.jsonl", """{"completion":"a"}""", """{"message_tree_id":"t","prompt":{}}""", """{"prompt":"a"}"""));

        ProblemsOf(check).ShouldBe(
        [
            "data.jsonl:1: no kind of data has these properties, expected \"prompt\" and what goes with it (prompts, ift, eft, ranked, pairs; --kind says which).",
            "data.jsonl:2: is a message tree of Open Assistant: make data of the file with 'selfreward data oasst' first.",
        ]);
        (check.Kind, check.Right, check.Wrong).ShouldBe((DataKind.Prompts, 1, 2));
    }

    [Theory]
    [InlineData("""{"prompt":"a","chosen":"b","rejected":"b"}""", "\"chosen\" and \"rejected\" are the same text, expected a better and a worse answer.")]
    [InlineData("""{"prompt":"a","chosen":"b","rejected":"c","score_chosen":2,"score_rejected":2.5}""", "\"score_chosen\" is 2 and \"score_rejected\" is 2.5, expected the chosen answer's to be higher.")]
    [InlineData("""{"prompt":"a","chosen":[{"role":"assistant","content":"b"}],"rejected":"c"}""", "\"chosen\" is a list, expected a text.")]
    [InlineData("""{"prompt":"a","response":"b","judgement":"Good.","score":4}""", "no score can be read from \"judgement\" (no \"Score:\"), expected a last line such as \"Score: 4\".")]
    public void What_no_training_could_use_is_wrong(string line, string expected) =>
        ProblemsOf(new DataFileCheck(_folder.Write("data.jsonl", line))).ShouldBe(["data.jsonl:1: " + expected]);

    [Fact]
    public void Answers_pairs_and_scores_are_counted()
    {
        var ranked = new DataFileCheck(_folder.Write(
            "ranked.jsonl",
            """{"prompt":"a","responses":[{"text":"x","rank":1},{"text":"y","rank":0},{"text":"z","rank":1}]}""",
            """{"prompt":"b","responses":[{"text":"x","rank":0},{"text":"y","rank":0}]}"""));
        ProblemsOf(ranked).ShouldBeEmpty();
        (ranked.Answers, ranked.RankedPairs).ShouldBe((5, 2));

        var judged = new DataFileCheck(_folder.Write("eft.jsonl", [.. new[] { 4, 0, 4 }.Select(score => $$"""{"prompt":"a","response":"b","judgement":"Score: {{score}}","score":{{score}}}""")]));
        ProblemsOf(judged).ShouldBeEmpty();
        judged.Scores.ShouldBe(new Dictionary<int, long> { [0] = 1, [4] = 2 }, ignoreOrder: true);
    }

    [Fact]
    public void A_file_that_cannot_be_read_on_ends_with_the_sentence_that_says_so()
    {
        var whole = File.ReadAllBytes(_folder.WriteGzipped("whole.gz", string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{{\"prompt\":\"{i * 7919}\"}}\n"))));
        var half = new DataFileCheck(_folder.Write("half.gz", whole[..(whole.Length / 2)]));

        ProblemsOf(half)[^1].ShouldStartWith("half.gz:");
        half.Right.ShouldBeGreaterThan(1_000);
        ProblemsOf(new DataFileCheck(_folder.Write("empty.jsonl", "", " "))).ShouldBe(["empty.jsonl: holds no examples, expected JSON Lines."]);
        ProblemsOf(new DataFileCheck(Path.Combine(_folder.Path, "none.jsonl"))).ShouldBe(["none.jsonl: no such file."]);
    }

    [Fact]
    public void A_line_that_is_far_too_long_is_passed_over_without_being_held()
    {
        var path = Path.Combine(_folder.Path, "data.jsonl");
        using (var file = File.Create(path))
        {
            file.Write("{\"prompt\":\"a\"}\n"u8);
            for (var part = 0; part < 80; part++)
                file.Write(Encoding.ASCII.GetBytes(new string('x', 1 << 20)));
            file.Write("\n{\"prompt\":\"b\"}\n{}"u8);
        }

        var check = new DataFileCheck(path);
        ProblemsOf(check).ShouldBe(["data.jsonl:2: the line is longer than 64 MiB, expected JSON Lines.", "data.jsonl:4: \"prompt\" is missing"]);
        check.Right.ShouldBe(2);
    }

    private List<string> ProblemsOf(DataFileCheck check) => [.. check.Problems().Select(problem => problem.Replace(_folder.Path + "/", "", StringComparison.Ordinal))];
}
