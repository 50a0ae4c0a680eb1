using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class JudgeScoreTests
{
    private static readonly JudgeSettings s_zeroToFive = new();

    private static double? ScoreOf(string raw, Finish finish = Finish.Stop) => JudgeScore.Parse(raw, finish, s_zeroToFive).Score;

    private static string? ReasonOf(string raw, Finish finish = Finish.Stop) => JudgeScore.Parse(raw, finish, s_zeroToFive).Unparsable;

    [Theory]
    [InlineData("Score: 4", 4)]
    [InlineData("The reply is fine.\nScore: 3\n", 3)]
    [InlineData("ii.ee.aa.gg.ff.hbxbhx Score: 3", 3)]
    [InlineData("score: 4", 4)]
    [InlineData("SCORE : 4", 4)]
    [InlineData("Score:4", 4)]
    [InlineData("**Score:** 4", 4)]
    [InlineData("**Score**: 4", 4)]
    [InlineData("Score: **4**", 4)]
    [InlineData("Score: <4>", 4)]
    [InlineData("Score: `4`.", 4)]
    [InlineData("Total score: 4", 4)]
    [InlineData("Score: 0", 0)]
    [InlineData("Score: 5", 5)]
    [InlineData("Score: +2", 2)]
    [InlineData("Score: 004", 4)]
    public void A_score_is_read_in_the_ways_that_models_write_it(string raw, double expected) => ScoreOf(raw).ShouldBe(expected);

    [Theory]
    [InlineData("Score: 4.5", 4.5)]
    [InlineData("Score: 0.25 points", 0.25)]
    public void A_fraction_stays_a_fraction(string raw, double expected) => ScoreOf(raw).ShouldBe(expected);

    [Theory]
    [InlineData("Score: 3/5", 3)]
    [InlineData("Score: **3** / 5", 3)]
    [InlineData("Score: 3 out of 5", 3)]
    [InlineData("Score: 4.5/5.0", 4.5)]
    [InlineData("Score: 4 because nothing is missing", 4)]
    [InlineData("Score: 4 points\nI hope that helps with 10 other things.", 4)]
    public void What_follows_on_the_line_may_be_the_highest_score_or_text_without_numbers(string raw, double expected) => ScoreOf(raw).ShouldBe(expected);

    [Theory]
    [InlineData("Score: 1 for relevance\nScore: 1 for depth\nScore: 2", 2)]
    [InlineData("Score: 5. No, wait. Score: 1", 1)]
    public void Of_several_scores_the_last_decides(string raw, double expected) => ScoreOf(raw).ShouldBe(expected);

    [Fact]
    public void Where_the_last_score_cannot_be_read_an_earlier_one_is_not_taken()
    {
        ScoreOf("Score: 4\nScore: good").ShouldBeNull();
        ScoreOf("Score: 4\nScore: 10").ShouldBeNull();
    }

    [Theory]
    [InlineData("Score: 10")]
    [InlineData("Score: 6")]
    [InlineData("Score: 5.01")]
    [InlineData("Score: -1")]
    [InlineData("Score: 99999999999999999999999999999999999999999")]
    public void A_score_out_of_range_is_unparsable_and_not_cut_to_fit(string raw)
    {
        ScoreOf(raw).ShouldBeNull();
        ReasonOf(raw).ShouldEndWith("is outside 0 to 5");
    }

    [Theory]
    [InlineData("")]
    [InlineData("The reply is excellent.")]
    [InlineData("I give it 4 points.")]
    [InlineData("Underscore: 4")]
    [InlineData("Scores: 4")]
    public void Without_the_label_there_is_no_score(string raw) => ReasonOf(raw).ShouldBe("no \"Score:\"");

    [Theory]
    [InlineData("Score:")]
    [InlineData("Score:\n4")]
    [InlineData("Score: NaN")]
    [InlineData("Score: four")]
    [InlineData("Score: Infinity")]
    [InlineData("Score: .5")]
    [InlineData("Score: 4th")]
    [InlineData("Score: 4e0")]
    [InlineData("Score: 4½")]
    [InlineData("Score: 80%")]
    [InlineData("Score: ٤")]
    [InlineData("Score: −1")]
    public void What_is_no_plain_number_on_the_label_s_line_is_no_score(string raw) => ReasonOf(raw).ShouldBe("no number after \"Score:\"");

    [Theory]
    [InlineData("Score: 4 or 5")]
    [InlineData("Score: 4-5")]
    [InlineData("Score: 4,5")]
    [InlineData("Score: 4/5 and then 3")]
    [InlineData("Score: 1.2.3")]
    public void A_second_number_makes_it_unclear_which_is_meant(string raw) => ReasonOf(raw).ShouldBe("more than a single number after \"Score:\"");

    [Theory]
    [InlineData("Score: 3/10")]
    [InlineData("Score: 3 out of 10")]
    public void A_score_on_another_scale_is_not_taken_for_one_on_this(string raw) => ReasonOf(raw).ShouldBe("a score out of 10, expected out of 5");

    [Theory]
    [InlineData("Score: 4")]
    [InlineData("Score: 4.")]
    [InlineData("Score: 1")]
    [InlineData("Score: 1\nScore:")]
    public void A_score_that_the_token_limit_may_have_cut_is_unparsable(string raw) =>
        ReasonOf(raw, Finish.Length).ShouldBe("cut off at the token limit before the score's line ended");

    [Fact]
    public void A_score_whose_line_ended_survives_the_token_limit() => ScoreOf("Score: 4\nAnd to say a little", Finish.Length).ShouldBe(4);

    [Fact]
    public void A_completion_cut_off_before_its_score_says_so() =>
        ReasonOf("The reply is", Finish.Length).ShouldBe("cut off at the token limit before any \"Score:\"");

    [Fact]
    public void A_judgement_that_a_server_s_filter_ended_has_no_score_unless_its_line_was_whole()
    {
        ReasonOf("", Finish.ContentFilter).ShouldBe("cut off by the server's content filter before any \"Score:\"");
        ReasonOf("Score: 4", Finish.ContentFilter).ShouldBe("cut off by the server's content filter before the score's line ended");
        ScoreOf("Score: 4\nand", Finish.ContentFilter).ShouldBe(4);
    }

    [Fact]
    public void The_range_is_a_setting()
    {
        var oneToTen = new JudgeSettings { MinScore = 1, MaxScore = 10 };
        JudgeScore.Parse("Score: 10", Finish.Stop, oneToTen).Score.ShouldBe(10);
        JudgeScore.Parse("Score: 7/10", Finish.Stop, oneToTen).Score.ShouldBe(7);
        JudgeScore.Parse("Score: 0", Finish.Stop, oneToTen).Score.ShouldBeNull();
    }

    [Fact]
    public void Any_text_either_parses_into_the_range_or_gives_a_reason() =>
        Prop.ForAll<string, bool, bool>((text, labelled, cut) =>
        {
            var parsed = JudgeScore.Parse((labelled ? "Score: " : "") + text, cut ? Finish.Length : Finish.Stop, s_zeroToFive);
            return parsed.Score is { } score ? score is >= 0 and <= 5 && parsed.Unparsable is null : !string.IsNullOrEmpty(parsed.Unparsable);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_number_is_read_whole_or_not_at_all() =>
        Prop.ForAll<int>(number =>
        {
            var score = ScoreOf(string.Create(CultureInfo.InvariantCulture, $"Reasons. Score: {number}"));
            return number is >= 0 and <= 5 ? score == number : score is null;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whatever_stands_before_the_last_label_changes_nothing() =>
        Prop.ForAll<string>(text => ScoreOf($"{text}\nScore: 3") == 3).QuickCheckThrowOnFailure();
}
