using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

public sealed class DrawKeyTests
{
    /// <summary>Computed apart from the code under test, with Python's integers. A change here changes every run that there is.</summary>
    [Theory]
    [InlineData(0UL, DrawPurpose.Initialisation, 0, 0, 0, 0, 0x66dec40b7d16c9fcUL)]
    [InlineData(1UL, DrawPurpose.Candidate, 1, 0, 0, 0, 0x930b6a58e6b46fa0UL)]
    [InlineData(1UL, DrawPurpose.Judgement, 2, 1023, 3, 2, 0x0649d4a238b8859dUL)]
    [InlineData(ulong.MaxValue, DrawPurpose.Draft, 1, 7, 9, 0, 0x51628e91d471ac91UL)]
    [InlineData(1UL, DrawPurpose.EvaluationJudgement, -1, 0, 0, 0, 0xc772e31235656a94UL)]
    public void Keys_never_change(ulong seed, DrawPurpose purpose, int a, int b, int c, int d, ulong expected) =>
        DrawKey.For(seed, purpose, a, b, c, d).ShouldBe(expected);

    [Fact]
    public void A_million_draws_have_a_million_keys()
    {
        var keys = new HashSet<ulong>(1_000_000);
        foreach (var purpose in (ReadOnlySpan<DrawPurpose>)[DrawPurpose.Candidate, DrawPurpose.Judgement])
        {
            for (var iteration = 0; iteration < 5; iteration++)
            {
                for (var ordinal = 0; ordinal < 1000; ordinal++)
                {
                    for (var candidate = 0; candidate < 10; candidate++)
                    {
                        for (var judgement = 0; judgement < 10; judgement++)
                            keys.Add(DrawKey.For(1, purpose, iteration, ordinal, candidate, judgement));
                    }
                }
            }
        }

        keys.Count.ShouldBe(1_000_000);
    }

    [Fact]
    public void Coordinates_are_told_apart_by_their_place()
    {
        ulong[] keys =
        [
            DrawKey.For(1, DrawPurpose.Draft, 1), DrawKey.For(1, DrawPurpose.Draft, 0, 1), DrawKey.For(1, DrawPurpose.Draft, 0, 0, 1),
            DrawKey.For(1, DrawPurpose.Draft, 0, 0, 0, 1), DrawKey.For(2, DrawPurpose.Draft), DrawKey.For(1, DrawPurpose.Shots), DrawKey.For(1, DrawPurpose.Draft),
        ];
        keys.Distinct().Count().ShouldBe(keys.Length);
    }

    [Fact]
    public void The_numbers_of_the_purposes_are_part_of_the_log() =>
        Enum.GetValues<DrawPurpose>().Select(purpose => $"{purpose}={(int)purpose}").ShouldBe(
            ["Initialisation=1", "SeedData=2", "Shots=3", "Draft=4", "Candidate=5", "Judgement=6", "Shuffle=7", "Dropout=8", "Evaluation=9", "EvaluationJudgement=10", "EftJudgement=11", "MetaJudgement=12", "Validation=13",
                "ValidationJudgement=14"]);
}
