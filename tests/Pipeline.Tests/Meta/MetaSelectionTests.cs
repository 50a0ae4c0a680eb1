using SelfRewarding.Contracts;
using SelfRewarding.Judge;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests.Meta;

public sealed class MetaSelectionTests
{
    private static Judgement Judged(int candidate, int index, double? score, string? raw = null) =>
        new(candidate, index, raw ?? $"{candidate}/{index}", score, score is null ? "no \"Score:\"" : null, 1, Finish.Stop, 0);

    private static IEnumerable<(int, int)> Chosen(params Judgement[] judgements) => MetaSelection.Compared(judgements).Select(judgement => (judgement.Candidate, judgement.Index));

    [Fact]
    public void Judgements_of_the_answer_whose_scores_differ_most_are_compared() =>
        // Variances 1/4, 4 and 2/3; the mean does not matter.
        Chosen(Judged(0, 0, 5), Judged(0, 1, 4), Judged(1, 0, 4), Judged(1, 1, 0), Judged(2, 0, 5), Judged(2, 1, 4), Judged(2, 2, 3)).ShouldBe([(1, 0), (1, 1)]);

    [Fact]
    public void Of_equal_variances_the_first_answer_counts_whatever_the_order() =>
        Chosen(Judged(1, 1, 0.9), Judged(1, 0, 0.7), Judged(0, 0, 3.7), Judged(0, 1, 3.9)).ShouldBe([(0, 0), (0, 1)]); // as binary fractions they would differ

    [Fact]
    public void What_has_no_score_takes_no_part()
    {
        Chosen(Judged(0, 0, 5), Judged(0, 1, null), Judged(0, 2, null), Judged(1, 0, 3), Judged(1, 1, 3), Judged(1, 2, null)).ShouldBe([(1, 0), (1, 1)]);
        Chosen(Judged(0, 0, 5), Judged(0, 1, null)).ShouldBeEmpty();
    }

    [Fact]
    public void Of_judgements_with_the_same_text_the_first_is_compared()
    {
        Chosen(Judged(0, 0, 5, "a"), Judged(0, 1, 5, "a"), Judged(0, 2, 2, "b"), Judged(0, 3, 2, "b")).ShouldBe([(0, 0), (0, 2)]);
        Chosen(Judged(0, 0, 5, "a"), Judged(0, 1, 5, "a")).ShouldBeEmpty();
    }

    [Fact]
    public void Each_two_are_compared_in_both_orders_and_with_keys_of_their_own()
    {
        var questions = MetaSelection.Questions([Judged(4, 0, 1), Judged(4, 2, 2), Judged(4, 5, 3)]).Select(pair => (pair.First.Index, pair.Second.Index)).ToList();
        questions.ShouldBe([(0, 2), (0, 5), (2, 0), (2, 5), (5, 0), (5, 2)], ignoreOrder: true);
        questions.Select(pair => MetaSelection.Key(new RunSettings(), 1, 7, pair.Item1, pair.Item2)).Distinct().Count().ShouldBe(6);
    }
}
