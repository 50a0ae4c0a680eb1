using Microsoft.Extensions.Time.Testing;
using SelfRewarding.Control.ReadModels;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class WritePaceTests
{
    private static readonly Task _never = new TaskCompletionSource().Task;

    private readonly FakeTimeProvider _time = new();
    private readonly WritePace _pace;

    public WritePaceTests() => _pace = new WritePace(TimeSpan.FromMilliseconds(500), _time);

    [Fact]
    public void After_a_quiet_time_a_write_is_due_at_once()
    {
        _pace.IsDue.ShouldBeTrue("nothing was written yet");
        _pace.Begin();
        _pace.IsDue.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(499));
        _pace.IsDue.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _pace.IsDue.ShouldBeTrue();
    }

    [Fact]
    public async Task While_facts_keep_coming_a_write_is_due_when_the_pause_is_over()
    {
        _pace.Begin();
        for (var fact = 0; fact < 5; fact++)
        {
            var next = new TaskCompletionSource();
            var due = _pace.IsDueBeforeAsync(next.Task);
            due.IsCompleted.ShouldBeFalse();
            next.SetResult();
            (await due).ShouldBeFalse("the fact came first");
            _time.Advance(TimeSpan.FromMilliseconds(90));
        }

        var last = _pace.IsDueBeforeAsync(_never);
        _time.Advance(TimeSpan.FromMilliseconds(49));
        last.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        (await last).ShouldBeTrue();
    }

    [Fact]
    public async Task A_reader_that_asks_ends_the_pause_and_is_not_forgotten_where_there_is_nothing_to_write_yet()
    {
        _pace.Begin();
        var due = _pace.IsDueBeforeAsync(_never);
        _pace.Ask();
        (await due).ShouldBeTrue();

        _pace.IsDue.ShouldBeTrue();
        _pace.Begin();
        _pace.IsDue.ShouldBeFalse("that write was its answer");
        _pace.Ask();
        _pace.IsDue.ShouldBeTrue("it asks again, while that write lasts");
    }
}
