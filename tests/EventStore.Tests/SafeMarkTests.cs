using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

public sealed class SafeMarkTests
{
    private readonly SafeMark _mark = new(0);

    [Fact]
    public void With_no_writer_in_flight_everything_seen_is_settled()
    {
        _mark.Observe(9, []);
        _mark.Settled.ShouldBe(9);
        _mark.IsWaiting.ShouldBeFalse();
        _mark.CountSafe(0, [2, 5, 9]).ShouldBe(3);
    }

    [Fact]
    public void With_a_writer_in_flight_a_hole_may_still_be_filled()
    {
        _mark.Observe(4, ["3/7"]);
        _mark.IsWaiting.ShouldBeTrue();
        _mark.CountSafe(0, [1, 2, 4]).ShouldBe(2);
        _mark.CountSafe(0, [2, 4]).ShouldBe(0);
        _mark.CountSafe(3, [4]).ShouldBe(1);
    }

    [Fact]
    public void Holes_are_settled_once_every_writer_of_that_time_has_ended_whoever_came_since()
    {
        _mark.Observe(4, ["3/7", "4/1"]);
        _mark.Observe(6, ["3/7", "5/1"]);
        _mark.Settled.ShouldBe(0);
        _mark.Observe(8, ["5/1", "6/1"]);
        _mark.Settled.ShouldBe(4);
        _mark.CountSafe(0, [1, 4, 5, 7, 8]).ShouldBe(3);
        _mark.Observe(9, ["6/2"]);
        _mark.Settled.ShouldBe(8);
    }

    [Fact]
    public void What_was_settled_stays_settled()
    {
        var mark = new SafeMark(10);
        mark.Observe(7, []);
        mark.Settled.ShouldBe(10);
        mark.Observe(12, ["1/1"]);
        mark.CountSafe(5, [6, 8, 11, 12, 14]).ShouldBe(4);
    }

    [Fact]
    public void An_event_that_is_committed_after_the_look_is_safe_only_without_a_hole_before_it()
    {
        _mark.Observe(3, []);
        _mark.CountSafe(0, [1, 3, 4]).ShouldBe(3);
        _mark.CountSafe(0, [1, 3, 5]).ShouldBe(2);
    }
}
