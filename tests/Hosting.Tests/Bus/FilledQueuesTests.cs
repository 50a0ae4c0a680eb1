using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class FilledQueuesTests
{
    private readonly FilledQueues _filled = new();

    [Fact]
    public void A_queue_in_which_half_of_what_may_be_missing_waits_is_left_alone_until_it_has_drained()
    {
        _filled.IsFilled("sampler", 50, 100).ShouldBeTrue();
        _filled.IsFilled("sampler", 1, 100).ShouldBeTrue();
        _filled.IsFilled("sampler", 0, 3).ShouldBeFalse();
        _filled.IsFilled("sampler", 1, 3).ShouldBeFalse();
    }

    [Fact]
    public void A_queue_that_has_lost_most_is_filled_again_and_so_is_any_after_the_broker_was_away()
    {
        _filled.IsFilled("sampler", 49, 100).ShouldBeFalse();
        _filled.IsFilled("judge", 100, 100).ShouldBeTrue();
        _filled.Clear();
        _filled.IsFilled("judge", 1, 100).ShouldBeFalse();
    }
}
