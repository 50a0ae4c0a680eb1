using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class EarlyStoppingRuleTests
{
    private static readonly ModelRef s_judge = new("M1", "m1", "sha");

    [Theory]
    [InlineData(0, 900, 253, new int[0])] // off
    [InlineData(200, 900, 0, new int[0])] // nothing to compare on
    [InlineData(200, 200, 253, new int[0])] // one checkpoint only, and none to compare it with
    [InlineData(200, 201, 253, new[] { 200, 201 })]
    [InlineData(200, 600, 253, new[] { 200, 400, 600 })]
    [InlineData(200, 650, 253, new[] { 200, 400, 600, 650 })]
    public void Every_so_many_steps_and_the_last_are_compared(int every, int steps, int prompts, int[] due) =>
        EarlyStoppingRule.Steps(new EarlyStoppingSettings { Every = every }, steps, prompts).ShouldBe(due);

    [Fact]
    public void The_first_checkpoint_has_none_before_it_and_goes_on() => Outcome(EarlyStoppingRule.Decide(Compared(200, [1]), null)).ShouldBe((null, 0, 0, 0, false));

    [Theory]
    [InlineData(new[] { 4.0, 3, 5 }, new[] { 3.0, 3, 5 }, 1, 2, 0, false)] // one win more
    [InlineData(new[] { 3.0, 3, 5 }, new[] { 3.0, 3, 5 }, 0, 3, 0, true)] // all equal: it does not win
    [InlineData(new[] { 5.0, 1, 5 }, new[] { 4.9, 4, 5 }, 1, 1, 1, true)] // as many wins as losses, whatever the means come to
    [InlineData(new[] { 5.0, 1, 1 }, new[] { 1.0, 1.5, 1.5 }, 1, 0, 2, true)]
    [InlineData(new[] { 5.0, 4, 1 }, new[] { 1.0, 3.5, 1.5 }, 2, 0, 1, false)]
    public void A_checkpoint_goes_on_where_it_has_more_wins_than_losses_against_the_one_before(double[] newer, double[] older, int wins, int ties, int losses, bool stops) =>
        Outcome(EarlyStoppingRule.Decide(Compared(400, newer), Compared(200, older))).ShouldBe((200, wins, ties, losses, stops));

    [Fact]
    public void Answers_are_joined_by_prompt_and_compared_by_the_mean_of_what_could_be_parsed()
    {
        var older = Compared(200, []) with { Answers = [Answer(7, 0.3, 0.2, 0.1), Answer(3, null, 1), Answer(5, 4)] };
        var newer = Compared(400, []) with { Answers = [Answer(3, 2, null), Answer(5, [null]), Answer(7, 0.1, 0.2, 0.3)] };
        // 3: 2 against 1 wins; 5: nothing parsed, nobody has won; 7: the same mean in another order.
        Outcome(EarlyStoppingRule.Decide(newer, older)).ShouldBe((200, 1, 2, 0, false));
    }

    [Fact]
    public void What_is_published_is_the_last_that_won_or_the_first()
    {
        var (first, won, lost) = (Compared(200, [1]), Compared(400, [2]) with { Against = 200 }, Compared(600, [0]) with { Against = 400, Stops = true });
        EarlyStoppingRule.Published([]).ShouldBeNull();
        EarlyStoppingRule.Published([first]).ShouldBe(first);
        EarlyStoppingRule.Published([first, won]).ShouldBe(won);
        EarlyStoppingRule.Published([first, won, lost]).ShouldBe(won);
        EarlyStoppingRule.Published([first, won with { Stops = true }]).ShouldBe(first);
    }

    private static (int?, int, int, int, bool) Outcome(CheckpointCompared compared) => (compared.Against, compared.Wins, compared.Ties, compared.Losses, compared.Stops);

    private static CheckpointCompared Compared(int step, double[] scores) =>
        new("r", "M2", step, $"sha-{step}", s_judge, [.. scores.Select((score, index) => Answer(index, score))], null, 0, 0, 0, false);

    private static ValidationAnswer Answer(int index, params double?[] scores) =>
        new(index, $"p{index}", "a", Finish.Stop, [.. scores.Select((score, j) => new Judgement(index, j, "", score, null, 1, Finish.Stop, null))]);
}
