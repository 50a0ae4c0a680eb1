using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SelfRewarding.Datasets.Kata;
using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

public sealed class KataDataTests
{
    private static readonly KataOptions s_small = new()
    {
        Demonstrations = 300,
        Judged = 600,
        Drafts = 100,
        SeedPrompts = 200,
        HeldOutInstructions = 200,
        HeldOutRanked = 50,
    };

    private static string Hash(KataData data) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(data))));

    private static string WordOf(string instruction) => KataInstruction.Parse(instruction).Word;

    private static IEnumerable<string> TrainedOn(KataData data) =>
        data.Ift.Select(example => example.Prompt).Concat(data.Eft.Select(example => example.Prompt)).Concat(data.SeedPrompts)
            .Concat(data.Drafts.SelectMany(draft => draft.Shots.Append(draft.Prompt)));

    [Fact]
    public void One_seed_makes_the_same_bytes_on_every_machine() =>
        Hash(KataData.Generate(1, s_small)).ShouldBe("6c55e158c19c0a2743eb66078127cb4366bf32a054cb8999c7dd55ab167aa94f");

    [Fact]
    public void Another_seed_makes_other_data() =>
        Hash(KataData.Generate(2, s_small)).ShouldNotBe(Hash(KataData.Generate(1, s_small)));

    [Fact]
    public void The_size_of_one_set_does_not_change_another()
    {
        var small = KataData.Generate(1, s_small);
        var larger = KataData.Generate(1, s_small with { Demonstrations = 500, Drafts = 150 });

        larger.Ift.Take(300).ShouldBe(small.Ift);
        larger.Eft.ShouldBe(small.Eft);
        larger.HeldOutInstructions.ShouldBe(small.HeldOutInstructions);
    }

    [Fact]
    public void Instructions_that_nothing_is_measured_on_are_drawn_last_and_change_no_other_set()
    {
        var (measured, more) = (KataData.Generate(1, s_small), KataData.Generate(1, s_small with { Validation = 30 }));

        more.HeldOutInstructions.Count.ShouldBe(230);
        more.HeldOutInstructions.Select(example => example.Prompt).Concat(more.HeldOutRanked.Select(ranked => ranked.Prompt)).ShouldBeUnique();
        Hash(more with { HeldOutInstructions = [.. more.HeldOutInstructions.Take(200)] }).ShouldBe(Hash(measured));
    }

    [Fact]
    public void Every_set_has_the_size_that_was_asked_for()
    {
        var data = KataData.Generate(1, s_small);

        (data.Ift.Count, data.Eft.Count, data.Drafts.Count, data.SeedPrompts.Count, data.HeldOutInstructions.Count, data.HeldOutRanked.Count)
            .ShouldBe((300, 600, 100, 200, 200, 50));
        data.Drafts.ShouldAllBe(draft => draft.Shots.Count == s_small.Shots);
    }

    [Fact]
    public void No_held_out_word_is_ever_trained_on()
    {
        foreach (var seed in (ulong[])[1, 2, 3])
        {
            var data = KataData.Generate(seed);
            var words = TrainedOn(data).Select(WordOf).ToHashSet();

            data.HeldOutInstructions.ShouldAllBe(example => !words.Contains(WordOf(example.Prompt)));
            data.HeldOutRanked.ShouldAllBe(ranked => !words.Contains(WordOf(ranked.Prompt)));
        }
    }

    [Fact]
    public void Training_development_and_held_out_words_share_none_even_across_seeds()
    {
        var heldOut = KataData.Generate(1).HeldOutInstructions.Select(example => WordOf(example.Prompt)).ToHashSet();
        var other = KataData.Generate(2, new() { MeasuredOn = KataPart.Development });

        other.HeldOutInstructions.ShouldAllBe(example => !heldOut.Contains(WordOf(example.Prompt)));
        TrainedOn(other).ShouldAllBe(prompt => !heldOut.Contains(WordOf(prompt)));
    }

    [Fact]
    public void Held_out_and_seed_instructions_are_all_different()
    {
        var data = KataData.Generate(1);

        data.SeedPrompts.ShouldBeUnique();
        data.HeldOutInstructions.Select(example => example.Prompt).Concat(data.HeldOutRanked.Select(ranked => ranked.Prompt)).ShouldBeUnique();
    }

    [Fact]
    public void Demonstrations_are_right_and_never_empty()
    {
        foreach (var example in KataData.Generate(1, s_small).Ift)
        {
            example.Response.ShouldBe(KataInstruction.Parse(example.Prompt).RightAnswer);
            example.Response.ShouldNotBeEmpty();
        }
    }

    [Fact]
    public void Judgements_are_what_the_comparison_says()
    {
        foreach (var example in KataData.Generate(1, s_small).Eft)
        {
            var comparison = KataComparison.Of(KataInstruction.Parse(example.Prompt), example.Response);
            (example.Judgement, example.Score).ShouldBe((comparison.Judgement, comparison.Score));
        }
    }

    [Fact]
    public void Judged_answers_have_every_score()
    {
        var byScore = KataData.Generate(1).Eft.CountBy(example => example.Score).ToDictionary();

        for (var score = 0; score <= KataComparison.MaxScore; score++)
            byScore[score].ShouldBeGreaterThan(300, $"score {score}");
        byScore[KataComparison.MaxScore].ShouldBeInRange(4_000, 7_000);
    }

    [Fact]
    public void Ranked_answers_are_ordered_by_their_mistakes_without_ties()
    {
        foreach (var ranked in KataData.Generate(1, s_small).HeldOutRanked)
        {
            var instruction = KataInstruction.Parse(ranked.Prompt);
            var ordered = ranked.Answers.OrderBy(answer => answer.Rank).ToList();

            ordered.Select(answer => answer.Rank).ShouldBe(Enumerable.Range(0, ranked.Answers.Count));
            var mistakes = ordered.Select(answer => KataComparison.Of(instruction, answer.Text).Mistakes).ToList();
            mistakes.ShouldBe(mistakes.Order());
            mistakes.ShouldBeUnique();
            ordered.Select(answer => answer.Quality).ShouldBe(mistakes.Select(count => (double?)-count));
        }
    }

    [Fact]
    public void Demonstrated_words_can_be_kept_shorter_than_the_others()
    {
        var data = KataData.Generate(1, s_small with { DemonstrationMaxLetters = 5 });

        data.Ift.Max(example => WordOf(example.Prompt).Length).ShouldBe(5);
        data.Eft.Max(example => WordOf(example.Prompt).Length).ShouldBe(7);
        data.HeldOutInstructions.Max(example => WordOf(example.Prompt).Length).ShouldBe(7);
    }

    [Fact]
    public void Options_that_nothing_can_be_made_with_are_refused_in_a_sentence()
    {
        Refusal(new() { MinLetters = 8 }).ShouldStartWith("Kata words have 8 to 7 letters");
        Refusal(new() { DemonstrationMaxLetters = 9 }).ShouldStartWith("Kata's DemonstrationMaxLetters is 9");
        Refusal(new() { RankedAnswers = 9 }).ShouldStartWith("Kata's RankedAnswers is 9");
        Refusal(new() { MeasuredOn = KataPart.Training }).ShouldStartWith("Kata cannot measure on the words that it trains on");
        Refusal(new() { MaxLetters = 3, DemonstrationMaxLetters = 3 }).ShouldStartWith("1000 held-out instructions and 250 ranked ones are more than");

        static string Refusal(KataOptions options) => Should.Throw<ArgumentException>(() => KataData.Generate(1, options)).Message;
    }
}
