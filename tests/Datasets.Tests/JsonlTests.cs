using System.Text;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class JsonlTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string ErrorOf(string path, Func<string, IEnumerable<object>> read) =>
        Should.Throw<DataFileException>(() => read(path).Count()).Message.Replace(_folder.Path + "/", "", StringComparison.Ordinal);

    private string ErrorOfLine(string line, Func<string, IEnumerable<object>>? read = null) => ErrorOf(_folder.Write("data.jsonl", line), read ?? Jsonl.ReadPrompts);

    [Fact]
    public void Each_line_is_an_example_and_further_properties_are_ignored() =>
        Jsonl.ReadInstructions(_folder.Write("ift.jsonl", """{"prompt": "a", "response": "b", "source": 7}""", """{"response": "d\n", "prompt": "é😀"}"""))
            .ShouldBe([new("a", "b"), new("é😀", "d\n")]);

    [Fact]
    public void Line_ends_byte_order_marks_and_blank_lines_do_not_matter()
    {
        byte[] bytes = [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes("{\"prompt\":\"a\"}\r\n\n  \n{\"prompt\":\"b\"}")];
        Jsonl.ReadPrompts(_folder.Write("data.jsonl", bytes)).ShouldBe(["a", "b"]);
    }

    [Fact]
    public void A_blank_line_still_counts_in_the_number_of_a_line() =>
        ErrorOf(_folder.Write("data.jsonl", "", """{"prompt":"a"}""", "", "{}"), Jsonl.ReadPrompts).ShouldBe("data.jsonl:4: \"prompt\" is missing");

    [Fact]
    public void A_gzipped_file_reads_like_a_plain_one() =>
        Jsonl.ReadPrompts(_folder.WriteGzipped("data.jsonl.gz", "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n")).ShouldBe(["a", "b"]);

    [Fact]
    public void A_file_that_only_says_that_it_is_gzipped_is_named()
    {
        ErrorOf(_folder.Write("plain.gz", """{"prompt":"a"}"""), Jsonl.ReadPrompts).ShouldStartWith("plain.gz:1: not gzip, or damaged: ");
        var whole = File.ReadAllBytes(_folder.WriteGzipped("whole.gz", string.Concat(Enumerable.Range(0, 999).Select(i => $"{{\"prompt\":\"{i * 7919}\"}}\n"))));
        ErrorOf(_folder.Write("half.gz", whole[..(whole.Length / 2)]), Jsonl.ReadPrompts).ShouldStartWith("half.gz:");
    }

    [Fact]
    public void Lines_longer_than_the_buffer_are_read_whole()
    {
        var texts = new[] { new string('x', 70_000), "short", new string('é', 200_000), "", "end" }.Select(text => text + ".").ToList();
        Jsonl.ReadPrompts(_folder.Write("data.jsonl", [.. texts.Select(text => $"{{\"prompt\":\"{text}\"}}")])).ShouldBe(texts);
    }

    [Theory]
    [InlineData("""{"prompt": 3}""", "\"prompt\" is the number 3, expected a text.")]
    [InlineData("""{"prompt": null}""", "\"prompt\" is null, expected a text.")]
    [InlineData("""{"prompt": ["a"]}""", "\"prompt\" is a list, expected a text.")]
    [InlineData("""{"prompt": " "}""", "\"prompt\" is blank.")]
    [InlineData("""{"Prompt": "a"}""", "\"prompt\" is missing")]
    [InlineData("""{"prompt": "\ud800"}""", "\"prompt\" holds half of a surrogate pair, which is no character.")]
    [InlineData("""["a"]""", "a list, expected one JSON object a line.")]
    public void What_is_wrong_with_a_line_is_said(string line, string expected) => ErrorOfLine(line).ShouldBe("data.jsonl:1: " + expected);

    [Theory]
    [InlineData("prompt,response")]
    [InlineData("{\"prompt\": \"a\"")]
    [InlineData("[")]
    [InlineData("""{"prompt": "a"} {"prompt": "b"}""")]
    public void A_line_that_is_not_JSON_says_where(string line) => ErrorOfLine(line).ShouldMatch(@"^data\.jsonl:1: not JSON: .* \(byte \d+\); expected one object a line\.$");

    [Fact]
    public void Bytes_that_are_not_UTF8_are_found() =>
        ErrorOf(_folder.Write("data.jsonl", [.. "{\"prompt\":\"a"u8, 0xE9, .. "\"}"u8]), Jsonl.ReadPrompts).ShouldStartWith("data.jsonl:1: not UTF-8");

    [Fact]
    public void A_file_that_cannot_be_read_is_named()
    {
        ErrorOf(Path.Combine(_folder.Path, "none.jsonl"), Jsonl.ReadPrompts).ShouldBe("none.jsonl: no such file.");
        ErrorOf(Path.Combine(_folder.Path, "no", "folder.jsonl"), Jsonl.ReadPrompts).ShouldBe("no/folder.jsonl: no such file.");
        Should.Throw<DataFileException>(() => Jsonl.ReadPrompts(_folder.Path).Count()).Message.ShouldEndWith("is a folder, expected a JSON Lines file.");
    }

    [Fact]
    public void A_judged_answer_may_be_empty_but_its_judgement_may_not()
    {
        var path = _folder.Write("eft.jsonl", """{"prompt":"a","response":"","judgement":"Nothing there.\nScore: 0","score":0.0}""");
        Jsonl.ReadJudged(path, new()).ShouldBe([new("a", "", "Nothing there.\nScore: 0", 0)]);
        ErrorOfLine("""{"prompt":"a","response":"b","judgement":"","score":0}""", ReadJudged).ShouldBe("data.jsonl:1: \"judgement\" is blank.");
        ErrorOfLine("""{"prompt":"a","response":"b","judgement":"Score: 4","score":3.5}""", ReadJudged)
            .ShouldBe("data.jsonl:1: \"score\" is the number 3.5, expected a whole number from 0.");
    }

    [Fact]
    public void A_judgement_of_half_a_point_counts_as_the_whole_score_next_to_it()
    {
        Jsonl.ReadJudged(_folder.Write("half.jsonl", """{"prompt":"a","response":"b","judgement":"Score: 4.5","score":5}"""), new()).Single().Score.ShouldBe(5);
        ErrorOfLine("""{"prompt":"a","response":"b","judgement":"Score: 4.5","score":4}""", ReadJudged)
            .ShouldBe("data.jsonl:1: \"score\" is 4, but \"judgement\" ends with the score 4.5.");
    }

    [Fact]
    public void What_a_score_is_out_of_is_the_judge_s_range()
    {
        var path = _folder.Write("ten.jsonl", """{"prompt":"a","response":"b","judgement":"Score: 9/10","score":9}""");
        Jsonl.ReadJudged(path, new() { MaxScore = 10 }).Single().Score.ShouldBe(9);
        ErrorOf(path, ReadJudged).ShouldBe("ten.jsonl:1: \"score\" is 9, expected 0 to 5 (judge.min_score, judge.max_score).");
    }

    [Fact]
    public void A_judgement_that_ends_with_another_score_is_refused() =>
        ErrorOfLine("""{"prompt":"a","response":"b","judgement":"Fine. Score: 4","score":3}""", ReadJudged)
            .ShouldBe("data.jsonl:1: \"score\" is 3, but \"judgement\" ends with the score 4.");

    [Theory]
    [InlineData("""{"prompt":"a","responses":[{"text":"x","rank":1,"quality":0.5},{"text":"y","rank":0}]}""")]
    [InlineData("""{"prompt_id":"1","prompt":"a","rank_source":"s","responses":[{"id":"i","rank":1,"quality":0.5,"text":"x"},{"id":"j","rank":0,"quality":null,"text":"y"}]}""")]
    [InlineData("""{"tree_id":"1","turns":[{"role":"prompter","text":"a"}],"responses":[{"id":"i","rank":1,"quality":0.5,"helpfulness":1,"text":"x"},{"rank":0,"text":"y"}]}""")]
    public void Ranked_answers_are_read_in_each_documented_shape(string line)
    {
        var prompt = Jsonl.ReadRanked(_folder.Write("ranked.jsonl", line)).ShouldHaveSingleItem();
        prompt.Prompt.ShouldBe("a");
        prompt.Answers.ShouldBe([new("x", 1, 0.5), new("y", 0, null)]);
    }

    [Fact]
    public void Where_no_answer_has_a_rank_their_qualities_rank_them()
    {
        var prompt = Jsonl.ReadRanked(_folder.Write(
            "ranked.jsonl",
            """{"prompt":"a","responses":[{"text":"x","rank":null,"quality":0.5},{"text":"y","quality":0.9},{"text":"z","quality":0.5},{"text":"unrated"},{"text":"w","quality":0}]}"""));
        prompt.ShouldHaveSingleItem().Answers.ShouldBe([new("x", 1, 0.5), new("y", 0, 0.9), new("z", 1, 0.5), new("w", 2, 0)]);
    }

    [Theory]
    [InlineData("""{"prompt":"a"}""", "\"responses\" is missing")]
    [InlineData("""{"prompt":"a","responses":[{"text":"x","rank":0}]}""", "\"responses\" has 1 entries, expected at least 2.")]
    [InlineData("""{"prompt":"a","responses":[{"text":"x","rank":0},{"text":"y"}]}""", "\"responses[1].rank\" is missing")]
    [InlineData("""{"prompt":"a","responses":[{"text":"x","rank":-1},{"text":"y","rank":0}]}""", "\"responses[0].rank\" is the number -1, expected a whole number from 0.")]
    [InlineData("""{"prompt":"a","responses":["x","y"]}""", "\"responses[0]\" is a text, expected an object.")]
    [InlineData("""{"turns":[{"text":"a"},{"text":"b"},{"text":"c"}],"responses":[]}""", "\"turns\" has 3 turns, expected 1: only answers to a first message can be used.")]
    [InlineData("""{"prompt":"a","responses":[{"text":"x","quality":1},{"text":"y"}]}""", "\"responses\" has no ranks and 1 quality, expected ranks, or 2 qualities to rank by.")]
    [InlineData("""{"responses":[]}""", "\"prompt\" is missing")]
    public void What_is_wrong_with_ranked_answers_is_said_with_the_place(string line, string expected) =>
        ErrorOfLine(line, Jsonl.ReadRanked).ShouldBe("data.jsonl:1: " + expected);

    private static IEnumerable<JudgedExample> ReadJudged(string path) => Jsonl.ReadJudged(path, new());
}
