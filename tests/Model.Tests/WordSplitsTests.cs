using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class WordSplitsTests
{
    public static TheoryData<string> Patterns => [SmallTokenizer.Gpt2Pattern, SmallTokenizer.Llama3Pattern, SmallTokenizer.Qwen2Pattern];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void Words_are_those_of_the_pattern(string pattern)
    {
        var split = WordSplits.Of(pattern).ShouldNotBeNull();
        var regex = new Regex(pattern, RegexOptions.CultureInvariant);

        Prop.ForAll(AnyText.Basic, text => Words(split, text).SequenceEqual(regex.Matches(text).Select(match => match.Value))).Check(AnyText.Thorough);
    }

    [Fact]
    public void Letters_and_numbers_beyond_the_basic_plane_are_letters_and_numbers()
    {
        Words(WordSplits.Gpt2, "\U0001D4D0\U00010400 \U0001D7D9\U0001D7D9").ShouldBe(["\U0001D4D0\U00010400", " \U0001D7D9\U0001D7D9"]);
        Words(WordSplits.Llama3, "\U0001F600\U0001D4D0\U0001D7D9\U0001D7D9\U0001D7D9\U0001D7D9").ShouldBe(["\U0001F600\U0001D4D0", "\U0001D7D9\U0001D7D9\U0001D7D9", "\U0001D7D9"]);
        Words(WordSplits.Qwen2, "\U0001D7D9\U0001D7D9").ShouldBe(["\U0001D7D9", "\U0001D7D9"]);
        Words(WordSplits.Digit, "a\U0001D7D91").ShouldBe(["a", "\U0001D7D9", "1"]);
    }

    [Fact]
    public void The_long_s_counts_as_an_s_where_case_does_not_matter()
    {
        Words(WordSplits.Llama3, "it'\u017Fx").ShouldBe(["it", "'\u017F", "x"]);
        Words(WordSplits.Gpt2, "it'\u017Fx").ShouldBe(["it", "'", "\u017Fx"]);
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_a_sign_like_any_other() => Words(WordSplits.Llama3, "a\uD800\uD800 b").ShouldBe(["a", "\uD800\uD800", " b"]);

    [Fact]
    public void A_pattern_that_is_not_written_out_is_none() => WordSplits.Of(SmallTokenizer.Gpt2Pattern + "|x").ShouldBeNull();

    private static List<string> Words(WordSplit split, string text)
    {
        var words = new List<string>();
        for (var at = 0; at < text.Length; at += words[^1].Length) words.Add(text.Substring(at, split(text.AsSpan(at))));
        return words;
    }
}
