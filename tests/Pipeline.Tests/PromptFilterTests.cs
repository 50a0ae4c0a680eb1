using SelfRewarding.Contracts;
using SelfRewarding.PromptGen;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class PromptFilterTests
{
    private static readonly FilterSettings s_default = new();

    private static string? ReasonFor(string draft, FilterSettings? settings = null, Finish finish = Finish.Stop) =>
        PromptFilter.Check(draft, finish, settings ?? s_default)?.Reason;

    [Theory]
    [InlineData("Explain why the sky is blue.")]
    [InlineData("3 ways to save money, please?")]
    [InlineData("Describe photography to a child.")]
    [InlineData("Withdraw money from a bank: what do I say?")]
    public void An_ordinary_instruction_passes(string draft) => ReasonFor(draft).ShouldBeNull();

    [Fact]
    public void A_draft_of_three_words_is_too_short_and_one_of_four_is_not()
    {
        PromptFilter.Check("Explain the sky", Finish.Stop, s_default).ShouldBe(new Verdict("too_short", 3, null));
        ReasonFor("Explain the blue sky").ShouldBeNull();
        ReasonFor("").ShouldBe("too_short");
        ReasonFor(" \n ", s_default with { MinWords = 0 }).ShouldBe("too_short");
    }

    [Fact]
    public void A_draft_of_151_words_is_too_long_and_one_of_150_is_not()
    {
        string Words(int count) => string.Join(' ', Enumerable.Range(0, count).Select(i => $"w{i}"));
        PromptFilter.Check(Words(151), Finish.Stop, s_default).ShouldBe(new Verdict("too_long", 151, null));
        ReasonFor(Words(150)).ShouldBeNull();
    }

    [Theory]
    [InlineData("Describe this Image to me.")]
    [InlineData("Plot the rainfall of the year.")]
    [InlineData("Tell me: which files can go?")]
    [InlineData("Where should I go to in May?")]
    public void A_banned_word_refuses_a_draft(string draft) => ReasonFor(draft).ShouldBe("banned_word");

    [Theory]
    [InlineData("write a program that sorts numbers", "banned_start")]
    [InlineData("  Write a programme for the evening concert", "banned_start")]
    [InlineData("- explain why the sky is blue", "punctuation_start")]
    [InlineData("\"Sky\": why is it blue?", "punctuation_start")]
    [InlineData("Élise goes home: what then?", "non_english_start")]
    [InlineData("Почему небо голубое днём?", "non_english_start")]
    [InlineData("😀 is a face, explain it", "non_english_start")]
    public void A_bad_start_refuses_a_draft(string draft, string reason) => ReasonFor(draft).ShouldBe(reason);

    [Fact]
    public void Other_languages_are_a_setting() =>
        ReasonFor("Почему небо голубое днём?", s_default with { RequireEnglishStart = false }).ShouldBeNull();

    [Fact]
    public void A_draft_that_ran_into_its_length_limit_is_dropped() =>
        ReasonFor("Explain why the sky is blue.", finish: Finish.Length).ShouldBe("truncated");

    [Fact]
    public void A_draft_that_a_server_s_filter_ended_is_refused() =>
        ReasonFor("Explain why the sky is blue.", finish: Finish.ContentFilter).ShouldBe("content_filter");

    [Fact]
    public void A_duplicate_of_a_seed_or_an_accepted_prompt_is_refused()
    {
        var pool = new PromptPool(s_default, ["Explain why the sky is blue."]);
        pool.Check(" Explain why the sky is blue.\n", Finish.Stop).ShouldBe(new Verdict("duplicate", 1, "Explain why the sky is blue."));
        pool.Check("Name four kinds of apple.", Finish.Stop).ShouldBeNull();
        pool.Accept("Name four kinds of apple.");
        pool.Check("Name four kinds of apple.", Finish.Stop)!.Reason.ShouldBe("duplicate");
        pool.Count.ShouldBe(2);
    }

    [Fact]
    public void A_draft_too_near_to_any_prompt_names_the_nearest()
    {
        var pool = new PromptPool(s_default, ["Explain why the sea is blue at noon.", "Explain why the sky is blue at dawn."]);
        var verdict = pool.Check("Explain why the sky is blue at night.", Finish.Stop);
        verdict.ShouldBe(new Verdict("rouge_l", 0.875, "Explain why the sky is blue at dawn."));
        pool.Check("Explain how a sea differs from the sky at night.", Finish.Stop).ShouldBeNull();
    }

    [Fact]
    public void A_likeness_of_exactly_the_limit_passes()
    {
        var pool = new PromptPool(s_default, ["a b c d e f g x y z"]);
        pool.Check("a b c d e f g 1 2 3", Finish.Stop).ShouldBeNull();
    }

    [Fact]
    public void A_near_duplicate_in_another_script_is_found()
    {
        var pool = new PromptPool(s_default with { RequireEnglishStart = false }, ["Почему небо голубое днём и красное вечером?"]);
        pool.Check("Почему небо голубое днём, но чёрное ночью?", Finish.Stop).ShouldBeNull();
        pool.Check("Почему небо голубое днём и красное утром?", Finish.Stop)!.Reason.ShouldBe("rouge_l");
    }

    [Fact]
    public void With_the_limit_at_1_only_duplicates_are_refused()
    {
        var pool = new PromptPool(s_default with { MaxRougeL = 1, MinWords = 1 }, ["reverse: dcab"]);
        pool.Check("Reverse dcab!", Finish.Stop).ShouldBeNull();
        pool.Check("reverse: dcab", Finish.Stop)!.Reason.ShouldBe("duplicate");
    }
}
