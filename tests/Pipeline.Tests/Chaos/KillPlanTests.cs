using SelfRewarding.Benchmarks;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class KillPlanTests
{
    [Theory]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(100)]
    public void Every_kind_is_in_it_and_the_broker_loses_its_disk_once_in_the_middle(int kills)
    {
        var plan = KillPlan.Draw(kills, new Random(1));

        plan.Count.ShouldBe(kills);
        plan.Distinct().Order().ShouldBe(Enum.GetValues<KillKind>());
        plan.Index().Where(kill => kill.Item == KillKind.BrokerWithDisk).ShouldBe([(kills / 2, KillKind.BrokerWithDisk)]);
    }

    [Fact]
    public void A_seed_gives_one_order_and_another_seed_another()
    {
        KillPlan.Draw(100, new Random(1)).ShouldBe(KillPlan.Draw(100, new Random(1)));
        KillPlan.Draw(100, new Random(1)).ShouldNotBe(KillPlan.Draw(100, new Random(2)));
    }

    [Fact]
    public void Kills_are_spread_over_the_run_but_for_its_last_fifth() =>
        Enumerable.Range(0, 4).Select(index => KillPlan.DueAfter(index, 4, 100)).ShouldBe([20, 40, 60, 80]);
}
