using FsCheck;
using FsCheck.Fluent;
using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class PromptFormatTests
{
    private static readonly PromptFormat s_kata = new(new FormatSettings());
    private static readonly PromptFormat s_paper = new(PaperFormat.Settings);

    [Fact]
    public void Placeholders_are_filled_in()
    {
        s_kata.Answer("sort: cab").ShouldBe("sort: cab\n");
        s_kata.Judge("sort: cab", "abc").ShouldBe("judge sort: cab -> abc\n");
        s_kata.Draft(["sort: cab", "copy: ab"]).ShouldBe("new\nsort: cab\ncopy: ab\n");
    }

    [Fact]
    public void A_text_that_holds_a_placeholder_is_not_filled_in_again()
    {
        s_kata.Judge("what is {response}?", "it is {prompt}").ShouldBe("judge what is {response}? -> it is {prompt}\n");
        s_kata.Draft(["{examples}{prompt}"]).ShouldBe("new\n{examples}{prompt}\n");
    }

    [Fact]
    public void Braces_that_are_no_placeholder_stay()
    {
        var format = new PromptFormat(new FormatSettings { Answer = "{{prompt} {x} {promp {prompt}{prompt}{" });
        format.Answer("A").ShouldBe("{A {x} {promp AA{");
    }

    [Fact]
    public void Every_text_reaches_the_model_as_it_is() =>
        Prop.ForAll<NonNull<string>, NonNull<string>>((prompt, response) => s_kata.Judge(prompt.Get, response.Get) == "judge " + prompt.Get + " -> " + response.Get + "\n")
            .QuickCheckThrowOnFailure();

    [Fact]
    public void A_draft_ends_where_an_example_would_end()
    {
        s_kata.ReadDraft("sort: cab\ncopy: ab\n", Finish.Stop).ShouldBe(("sort: cab", Finish.Stop));
        s_paper.ReadDraft("Write a poem\n\nabout rain.\n</task>\n\n<task>\nAnother", Finish.Length).ShouldBe(("Write a poem\n\nabout rain.", Finish.Stop));
    }

    [Fact]
    public void A_draft_without_its_end_is_as_complete_as_its_generation()
    {
        s_kata.ReadDraft(" sort: cab ", Finish.Stop).ShouldBe(("sort: cab", Finish.Stop));
        s_paper.ReadDraft("Write a poem\nabout", Finish.Length).ShouldBe(("Write a poem\nabout", Finish.Length));
    }

    [Fact]
    public void A_draft_may_begin_as_an_example_does()
    {
        s_paper.ReadDraft("<task>\nWrite a poem.\n</task>", Finish.Stop).ShouldBe(("Write a poem.", Finish.Stop));
        s_kata.ReadDraft("sort: cab", Finish.Stop).ShouldBe(("sort: cab", Finish.Stop));
    }

    [Fact]
    public void For_a_chat_the_layouts_leave_out_who_speaks()
    {
        SettingsCheck.Problems(new RunSettings { Format = PaperFormat.ForChat }).ShouldBeEmpty();
        var chat = new PromptFormat(PaperFormat.ForChat);
        chat.Answer("Name a colour.").ShouldBe("Name a colour.");
        (chat.Judge("a", "b") + "\n\nReasons: ").ShouldBe(s_paper.Judge("a", "b"));
        chat.Draft(["Name a colour."]).ShouldEndWith("<task>\nName a colour.\n</task>\n\nWrite the new task in the same way, from <task> to </task>, and nothing else.");
    }

    [Fact]
    public void The_paper_s_layouts_have_their_placeholders_and_ask_for_the_score_that_the_parser_reads()
    {
        SettingsCheck.Problems(new RunSettings { Format = PaperFormat.Settings }).ShouldBeEmpty();
        PaperFormat.Judge.ShouldContain("Score: <0..5>");
        s_paper.Draft(["Name a colour."]).ShouldEndWith("<task>\nName a colour.\n</task>\n\n<task>\n");
    }
}
