using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class StandstillTests
{
    private readonly Standstill _standstill = new();

    [Fact]
    public void The_first_look_is_due_for_every_run_and_stays_due_until_something_was_sent()
    {
        Look().ShouldBeTrue();
        Look("a").ShouldBeTrue();
        (_standstill.IsDue("a"), _standstill.IsDue("b")).ShouldBe((true, true));
        Sent();
        Look("a").ShouldBeFalse();
    }

    [Fact]
    public void A_run_that_stands_still_is_due_once()
    {
        Begin();
        Look("a").ShouldBeFalse();
        Look().ShouldBeTrue();
        Look().ShouldBeTrue("nothing was sent");
        Sent();
        Look().ShouldBeFalse();
        Look("a").ShouldBeFalse();
        Look().ShouldBeTrue();
    }

    [Fact]
    public void A_run_stands_still_though_another_goes_on_which_is_not_due()
    {
        Begin();
        Look("a", "b").ShouldBeFalse();
        Look("a").ShouldBeTrue();
        (_standstill.IsDue("a"), _standstill.IsDue("b"), _standstill.IsDue("c")).ShouldBe((false, true, true));
        Sent();
        Look("a").ShouldBeFalse();
        Look().ShouldBeTrue();
        _standstill.IsDue("a").ShouldBeTrue();
    }

    [Fact]
    public void What_was_left_alone_is_due_at_the_next_look_if_its_run_has_not_gone_on()
    {
        Begin();
        Look("a", "b");
        Look("a").ShouldBeTrue();
        Sent("b");
        Look("a", "b").ShouldBeFalse();
        Look("a").ShouldBeTrue();
        Sent();
        Look("a").ShouldBeFalse();
    }

    [Fact]
    public void A_broker_that_was_away_makes_every_run_due()
    {
        Begin();
        _standstill.Reconnected();
        Look("a").ShouldBeTrue();
        _standstill.IsDue("a").ShouldBeTrue();
    }

    private bool Look(params string[] goneOn) => _standstill.Look(goneOn.ToHashSet());

    private void Sent(params string[] leftAlone) => _standstill.Sent(leftAlone.ToHashSet());

    private void Begin()
    {
        Look();
        Sent();
    }
}
