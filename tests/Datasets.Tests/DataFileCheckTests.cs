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

    [Fact]
    public void A_first_line_that_lacks_something_does_not_make_the_others_right()
    {
        var check = new DataFileCheck(_folder.Write("ift.jsonl", """{"prompt":"a"}""", """{"prompt":"b"}""", """{"prompt":"c","response":"d"}""", """{"prompt":"e"}"""));

        ProblemsOf(check).ShouldBe(["ift.jsonl:3: is one of ift, but 2 before it are of prompts only: a file has lines of one kind (--kind prompts takes them).", "ift.jsonl:4: \"response\" is missing"]);
        (check.Kind, check.Right, check.Wrong).ShouldBe((DataKind.Ift, 1, 3));

        var judged = new DataFileCheck(_folder.Write("eft.jsonl", """{"prompt":"a","response":"b"}""", """{"prompt":"a","response":"b","judgement":"Score: 4","score":4}"""));
        ProblemsOf(judged).ShouldBe(["eft.jsonl:2: is one of eft, but 1 before it is of ift only: a file has lines of one kind (--kind ift takes them)."]);
        (judged.Kind, judged.Right, judged.Wrong).ShouldBe((DataKind.Eft, 1, 1));
    }

    [Fact]
    public void A_line_of_another_kind_is_wrong()
    {
        const string Pair = """{"prompt":"a","chosen":"b","rejected":"c"}""", Ranked = """{"prompt":"a","responses":[{"text":"x","rank":1},{"text":"y","rank":0}]}""";
        var check = new DataFileCheck(_folder.Write("data.jsonl", Pair, Ranked, """{"prompt":"a","response":"b"}""", Pair));

        ProblemsOf(check).ShouldBe(
        [
            "data.jsonl:2: is one of ranked, expected one of pairs as the lines before (--kind says which).",
            "data.jsonl:3: is one of ift, expected one of pairs as the lines before (--kind says which).",
        ]);
        (check.Kind, check.Right, check.Wrong).ShouldBe((DataKind.Pairs, 2, 2));
    }

    [Fact]
    public void A_broken_line_of_a_richer_kind_leaves_the_others_right()
    {
        var check = new DataFileCheck(_folder.Write("ift.jsonl", """{"prompt":"a","response":"b"}""", """{"prompt":"a","response":"b","score":4}""", """{"prompt":"a","response":"c"}"""));

        ProblemsOf(check).ShouldBe(["ift.jsonl:2: \"judgement\" is missing"]);
        (check.Kind, check.Right, check.Wrong).ShouldBe((DataKind.Ift, 2, 1));
    }

    [Theory]
    [InlineData("Score: 4/5", 4)]
    [InlineData("Score: 4 out of 5", 4)]
    [InlineData("Score: 4/10", 4, "no score can be read from \"judgement\" (a score out of 10, expected out of 5), expected a last line such as \"Score: 4\".")]
    [InlineData("Score: 9", 9, "\"score\" is 9, expected 0 to 5 (judge.min_score, judge.max_score).")]
    [InlineData("Score: 9", 4, "no score can be read from \"judgement\" (9 is outside 0 to 5), expected a last line such as \"Score: 4\".")]
    public void A_score_is_out_of_five(string judgement, int score, string? problem = null) =>
        ProblemsOf(new DataFileCheck(_folder.Write("eft.jsonl", $$"""{"prompt":"a","response":"b","judgement":"{{judgement}}","score":{{score}}}""")))
            .ShouldBe(problem is null ? [] : ["eft.jsonl:1: " + problem]);

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

        ProblemsOf(half)[^1].ShouldMatch(@"^half\.gz:\d+: not gzip, or damaged: Found truncated data while decoding\.$");
        half.Right.ShouldBeGreaterThan(1_000);
        half.Wrong.ShouldBe(1);
        foreach (var cut in (int[])[1, 4, 8, 9]) // inside of the checksum and length that a gzip file ends with, and before
            ProblemsOf(new DataFileCheck(_folder.Write("cut.gz", whole[..^cut]))).ShouldHaveSingleItem().ShouldMatch(@"^cut\.gz:\d+: not gzip, or damaged: Found truncated data while decoding\.$");
        ProblemsOf(new DataFileCheck(_folder.Write("empty.jsonl", "", " "))).ShouldBe(["empty.jsonl: holds no examples, expected JSON Lines."]);
        ProblemsOf(new DataFileCheck(Path.Combine(_folder.Path, "none.jsonl"))).ShouldBe(["none.jsonl: no such file."]);
    }

    [Theory]
    [InlineData(64, "")]
    [InlineData(64, "\n")]
    [InlineData(65, "")]
    [InlineData(65, "\n{}")]
    public void A_line_may_be_as_long_as_the_limit(int length, string rest)
    {
        var lines = TextLines.Read(_folder.Write("data.jsonl", Encoding.ASCII.GetBytes(new string('x', length) + rest)), maxLineBytes: 64).Where(line => line.Number == 1).ToList();

        lines.ShouldHaveSingleItem().Problem.ShouldBe(length == 64 ? null : $"{_folder.Path}/data.jsonl:1: the line is longer than 0 MiB, expected JSON Lines.");
        lines[0].Content.Length.ShouldBe(length == 64 ? 64 : 0);
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
