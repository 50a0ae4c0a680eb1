using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class StandstillTests
{
    private readonly Standstill _standstill = new();

    [Fact]
    public void The_first_look_is_due_and_stays_due_until_something_was_sent()
    {
        _standstill.Look(0).ShouldBeTrue();
        _standstill.Look(5).ShouldBeTrue();
        _standstill.Sent(all: true);
        _standstill.Look(6).ShouldBeFalse();
    }

    [Fact]
    public void A_log_that_stands_still_is_due_once()
    {
        Begin(5);
        _standstill.Look(6).ShouldBeFalse();
        _standstill.Look(6).ShouldBeTrue();
        _standstill.Sent(all: true);
        _standstill.Look(6).ShouldBeFalse();
        _standstill.Look(7).ShouldBeFalse();
        _standstill.Look(7).ShouldBeTrue();
    }

    [Fact]
    public void What_was_left_alone_for_messages_that_wait_is_due_at_the_next_look_if_these_have_moved_nothing()
    {
        Begin(5);
        _standstill.Look(5);
        _standstill.Reconnected();
        _standstill.Look(6).ShouldBeTrue();
        _standstill.Sent(all: false);
        _standstill.Look(6).ShouldBeTrue();
        _standstill.Sent(all: true);
        _standstill.Look(6).ShouldBeFalse();
    }

    [Fact]
    public void A_broker_that_was_away_makes_it_due()
    {
        Begin(5);
        _standstill.Reconnected();
        _standstill.Look(6).ShouldBeTrue();
    }

    private void Begin(long end)
    {
        _standstill.Look(end);
        _standstill.Sent(all: true);
    }
}
