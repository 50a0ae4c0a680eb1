using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class FilledQueuesTests
{
    private readonly FilledQueues _filled = new();

    [Fact]
    public void A_queue_in_which_half_of_what_may_be_missing_waits_is_left_alone_until_it_has_drained()
    {
        IsFilled("sampler", 50, 100).ShouldBeTrue();
        IsFilled("sampler", 1, 100).ShouldBeTrue();
        IsFilled("sampler", 0, 3).ShouldBeFalse();
        IsFilled("sampler", 1, 3).ShouldBeFalse();
    }

    [Fact]
    public void A_queue_that_has_lost_most_is_filled_again_and_so_is_any_after_the_broker_was_away()
    {
        IsFilled("sampler", 49, 100).ShouldBeFalse();
        IsFilled("judge", 100, 100).ShouldBeTrue();
        _filled.Clear();
        IsFilled("judge", 1, 100).ShouldBeFalse();
    }

    [Fact]
    public void A_queue_that_others_use_is_left_alone_only_as_long_as_half_seems_to_wait()
    {
        IsFilled("sampler", 50, 100, isExact: false).ShouldBeTrue();
        IsFilled("sampler", 1, 100).ShouldBeFalse("a difference of counts is not kept");
        IsFilled("judge", 50, 100).ShouldBeTrue();
        IsFilled("judge", 1, 100, isExact: false).ShouldBeTrue("a count is");
    }

    [Fact]
    public void A_queue_in_which_nothing_is_missing_is_not_left_alone_later()
    {
        IsFilled("sampler", 5, 0).ShouldBeFalse();
        IsFilled("sampler", 1, 100).ShouldBeFalse();
        IsFilled("sampler", 50, 100).ShouldBeTrue();
        IsFilled("sampler", 5, 0).ShouldBeFalse();
        IsFilled("sampler", 1, 100).ShouldBeFalse();
    }

    private bool IsFilled(string queue, long ready, int missing, bool isExact = true) => _filled.IsFilled(new QueueFill(queue, ready, missing, isExact));
}
