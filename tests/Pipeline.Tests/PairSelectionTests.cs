using FsCheck;
using FsCheck.Fluent;
using SelfRewarding.Contracts;
using SelfRewarding.PairBuilder;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class PairSelectionTests
{
    private static readonly JudgeSettings s_judge = new();

    private static Candidate Answer(int index, string? text = null, Finish finish = Finish.Stop) => new(index, text ?? $"answer {index}", [], finish, 0);

    private static IEnumerable<Judgement> Judged(int candidate, params double?[] scores) =>
        scores.Select((score, index) => new Judgement(candidate, index, "raw", score, score is null ? "no \"Score:\"" : null, 1, Finish.Stop, 0));

    private static PairChoice Choose(IReadOnlyList<Candidate> candidates, IEnumerable<Judgement> judgements, PairSettings? pairs = null) =>
        PairSelection.Choose(candidates, [.. judgements], pairs ?? new(), s_judge);

    // One judgement an answer.
    private static PairChoice Choose(params (Candidate Candidate, double? Score)[] answers) =>
        Choose([.. answers.Select(answer => answer.Candidate)], answers.SelectMany(answer => Judged(answer.Candidate.Index, answer.Score)));

    private static (int Chosen, int Rejected) Sides(PairChoice choice) => (choice.Pair!.Chosen.Candidate, choice.Pair.Rejected.Candidate);

    [Fact]
    public void The_best_mean_is_chosen_and_the_worst_rejected()
    {
        var choice = Choose([Answer(0), Answer(1), Answer(2)], [.. Judged(0, 3, 3, 4), .. Judged(1, 5, 4, 5), .. Judged(2, 1, 2, 1)]);
        choice.Pair.ShouldBe(new ChosenPair(new(1, "answer 1", 14.0 / 3), new(2, "answer 2", 4.0 / 3)));
        choice.Discard.ShouldBeNull();
        choice.Scores.ShouldBe([new(0, 10.0 / 3, 3), new(1, 14.0 / 3, 3), new(2, 4.0 / 3, 3)]);
    }

    [Fact]
    public void Judgements_find_their_answers_by_index_and_not_by_place()
    {
        // Sorted as texts, 10 would come before 2.
        var candidates = new[] { Answer(10), Answer(2), Answer(1) };
        var choice = Choose(candidates, [.. Judged(2, 1), .. Judged(10, 5), .. Judged(1, 3)]);
        Sides(choice).ShouldBe((10, 2));
        choice.Scores.Select(score => score.Candidate).ShouldBe([1, 2, 10]);
    }

    [Fact]
    public void Means_are_never_rounded()
    {
        var choice = Choose([Answer(0), Answer(1)], [.. Judged(0, 4, 4, 5), .. Judged(1, 4, 5, 5)]);
        Sides(choice).ShouldBe((1, 0));
        choice.Pair!.Chosen.Score.ShouldBe(14.0 / 3);
    }

    [Fact]
    public void An_unparsable_judgement_is_not_a_low_one()
    {
        var choice = Choose([Answer(0), Answer(1), Answer(2)], [.. Judged(0, null, 5, null), .. Judged(1, 2, 2, 2), .. Judged(2, null, null, null)]);
        Sides(choice).ShouldBe((0, 1));
        choice.Scores.ShouldBe([new(0, 5, 1), new(1, 2, 3), new(2, null, 0)]);
    }

    [Fact]
    public void Fewer_than_two_scores_make_no_pair()
    {
        var choice = Choose((Answer(0), 5), (Answer(1), null));
        choice.Discard.ShouldBe(DiscardReason.Unparsable);
        choice.Detail.ShouldBe("1 of 2 answers have a score, expected at least 2");
        choice.Scores.Count.ShouldBe(2);
        Choose([Answer(0), Answer(1)], []).Discard.ShouldBe(DiscardReason.Unparsable);
    }

    [Fact]
    public void A_tie_makes_no_pair()
    {
        Choose((Answer(0), 3), (Answer(1), 3), (Answer(2), null)).Discard.ShouldBe(DiscardReason.Tie);
        Choose([Answer(0), Answer(1)], [.. Judged(0, 3, 5), .. Judged(1, 4)]).Discard.ShouldBe(DiscardReason.Tie);
        // Sums of decimal fractions tie too, though binary ones differ in the last bit.
        Choose([Answer(0), Answer(1)], [.. Judged(0, 1.1, 2.2, 3.3), .. Judged(1, 3.3, 2.2, 1.1)]).Discard.ShouldBe(DiscardReason.Tie);
    }

    [Fact]
    public void Identical_texts_make_no_pair()
    {
        Choose((Answer(0, "same"), 5), (Answer(1, "same"), 1)).Discard.ShouldBe(DiscardReason.IdenticalTexts);
        Sides(Choose((Answer(0, "same"), 5), (Answer(1, "same"), 1), (Answer(2, "other"), 1))).ShouldBe((0, 2));
    }

    [Fact]
    public void A_truncated_answer_is_never_chosen()
    {
        Sides(Choose((Answer(0, finish: Finish.Length), 5), (Answer(1), 4), (Answer(2), 1))).ShouldBe((1, 2));
        var choice = Choose((Answer(0, finish: Finish.Length), 5), (Answer(1), 1));
        choice.Discard.ShouldBe(DiscardReason.Truncated);
        choice.Detail.ShouldBe("no answer above the lowest mean, 1, is complete: 1 of 2 are truncated");
        Choose((Answer(0, finish: Finish.Length), 5), (Answer(1, finish: Finish.Length), 1)).Discard.ShouldBe(DiscardReason.Truncated);
    }

    [Fact]
    public void A_truncated_answer_may_be_rejected_but_a_complete_one_as_bad_goes_first()
    {
        Sides(Choose((Answer(0), 5), (Answer(1, finish: Finish.Length), 1))).ShouldBe((0, 1));
        Sides(Choose((Answer(0), 5), (Answer(1, finish: Finish.Length), 1), (Answer(2), 1))).ShouldBe((0, 2));
    }

    [Fact]
    public void Among_equals_the_lowest_index_is_taken() =>
        Sides(Choose((Answer(3), 1), (Answer(2), 5), (Answer(1), 5), (Answer(0), 1))).ShouldBe((1, 0));

    [Fact]
    public void Means_that_differ_by_less_than_the_margin_make_no_pair()
    {
        Candidate[] candidates = [Answer(0), Answer(1)];
        var choice = Choose(candidates, [.. Judged(0, 4), .. Judged(1, 3)], new() { MinMargin = 1.5 });
        choice.Discard.ShouldBe(DiscardReason.SmallMargin);
        choice.Detail.ShouldBe("the means 4 and 3 differ by 1, expected at least 1.5");
        Choose(candidates, [.. Judged(0, 4), .. Judged(1, 2.5)], new() { MinMargin = 1.5 }).Pair.ShouldNotBeNull();
    }

    [Fact]
    public void Length_control_takes_the_shortest_of_the_good_and_the_longest_of_the_bad()
    {
        // Smax 5, Smin 2, ρ .32: chosen from [4.04, 5], rejected from [2, 2.96].
        (Candidate, double?)[] answers =
        [
            (Answer(0, "the very best, but long"), 5), (Answer(1, "good"), 4.04), (Answer(2, "ok"), 4.03),
            (Answer(3, "bad"), 2), (Answer(4, "bad and quite long"), 2.96), (Answer(5, "too good to be rejected, and so long"), 2.97),
        ];
        var judgements = answers.SelectMany(answer => Judged(answer.Item1.Index, answer.Item2)).ToList();
        Candidate[] candidates = [.. answers.Select(answer => answer.Item1)];
        Sides(Choose(candidates, judgements, new() { LengthControl = 0.32 })).ShouldBe((1, 4));
        Sides(Choose(candidates, judgements, new() { LengthControl = 0 })).ShouldBe((0, 3));
        Sides(Choose(candidates, judgements)).ShouldBe((0, 3));
    }

    [Fact]
    public void A_prompt_is_settled_with_the_length_control_of_its_iteration()
    {
        // Means 5, 4 and 1: with ρ .3 from [3.8, 5] the shorter one, with ρ 0 the best.
        Candidate[] candidates = [Answer(0, "the best, and long"), Answer(1, "good"), Answer(2, "bad")];
        List<Judgement> judgements = [.. Judged(0, 5), .. Judged(1, 4), .. Judged(2, 1)];
        var settings = new RunSettings { Pairs = new() { LengthControlByIteration = [0, 0.3] } };

        Chosen(iteration: 1).ShouldBe(0);
        Chosen(iteration: 2).ShouldBe(1);

        int Chosen(int iteration)
        {
            var model = new ModelRef("M1", "", "");
            var outcome = PairBuilderConsumer.Settle(
                new("r", iteration, 0, model, "p", "model", [], []), new("r", iteration, 0, model, candidates), new("r", iteration, 0, model, judgements), settings);
            return outcome.ShouldBeOfType<PreferencePairBuilt>().Chosen.Candidate;
        }
    }

    [Fact]
    public void Tiers_that_overlap_still_choose_a_better_answer_than_they_reject() =>
        Sides(Choose([Answer(0, "a"), Answer(1, "bbb")], [.. Judged(0, 1), .. Judged(1, 5)], new() { LengthControl = 1 })).ShouldBe((1, 0));

    [Fact]
    public void Judgements_that_cannot_be_of_these_answers_are_refused()
    {
        Should.Throw<ArgumentException>(() => Choose([Answer(0), Answer(1)], Judged(2, 5))).Message.ShouldStartWith("Judgement 0 is of candidate 2, expected one of 0, 1.");
        Should.Throw<ArgumentException>(() => Choose([Answer(0), Answer(0)], [])).Message.ShouldStartWith("Two candidates have the same index");
        Should.Throw<ArgumentException>(() => Choose([Answer(0), Answer(1)], Judged(0, -1))).Message.ShouldStartWith("Judgement 0 of candidate 0 has score -1, expected 0 to 5 or none.");
        Should.Throw<ArgumentException>(() => Choose([Answer(0), Answer(1)], [.. Judged(0, 1), .. Judged(0, 2)])).Message.ShouldStartWith("Judgement 0 of candidate 0 is there 2 times.");
    }

    [Fact]
    public void Whatever_the_answers_a_pair_is_sound_and_does_not_depend_on_their_order() =>
        Prop.ForAll<int[], bool, PositiveInt>((draws, lengthControl, seed) =>
        {
            // Each draw is one answer: text, score and finish.
            var answers = draws.Take(8).Select((draw, index) => (
                Candidate: Answer(index, new string('x', Math.Abs(draw % 3)), draw % 5 == 0 ? Finish.Length : Finish.Stop),
                Score: draw % 7 == 0 ? null : (double?)(Math.Abs(draw / 3) % 6))).ToArray();
            var settings = new PairSettings { LengthControl = lengthControl ? 0.3 : null };
            var judgements = answers.SelectMany(answer => Judged(answer.Candidate.Index, answer.Score)).ToArray();
            Candidate[] candidates = [.. answers.Select(answer => answer.Candidate)];
            var choice = Choose(candidates, judgements, settings);

            var random = new Random(seed.Get);
            random.Shuffle(candidates);
            random.Shuffle(judgements);
            var again = Choose(candidates, judgements, settings);
            if (choice.Pair != again.Pair || choice.Discard != again.Discard || choice.Detail != again.Detail || !choice.Scores.SequenceEqual(again.Scores))
                return false;
            return choice.Pair is { } pair
                ? choice.Discard is null && pair.Chosen.Score > pair.Rejected.Score && pair.Chosen.Text != pair.Rejected.Text
                    && candidates.Single(candidate => candidate.Index == pair.Chosen.Candidate).Finish == Finish.Stop
                : choice.Discard is not null && choice.Detail.Length > 0;
        }).QuickCheckThrowOnFailure();
}
