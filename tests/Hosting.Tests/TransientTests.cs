using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class TransientTests
{
    private readonly Clock _clock = new();

    [Fact]
    public async Task Work_that_fails_is_given_up_after_a_quarter_of_an_hour_of_pauses()
    {
        var attempts = 0;

        await Should.ThrowAsync<TimeoutException>(() => TryAsync<int>(_ =>
        {
            attempts++;
            throw new TimeoutException();
        }));

        attempts.ShouldBe(Pauses.All.Count + 1);
        _clock.Paused.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMinutes(15));
    }

    [Fact]
    public async Task Work_that_goes_well_between_its_failures_is_never_given_up()
    {
        (await TryAsync(failures =>
        {
            _clock.Now += TimeSpan.FromMinutes(1);
            return failures < 100 ? throw new TimeoutException() : Task.FromResult(failures);
        })).ShouldBe(100);
    }

    [Fact]
    public async Task What_does_not_pass_is_not_tried_again() =>
        await Should.ThrowAsync<FileNotFoundException>(() => TryAsync<int>(failures => failures > 0 ? Task.FromResult(failures) : throw new FileNotFoundException()));

    [Fact]
    public void Pauses_grow_to_ten_seconds_and_come_to_what_is_promised_and_hardly_more()
    {
        Pauses.All.ShouldBe(Pauses.All.Order());
        Pauses.All[^1].ShouldBe(TimeSpan.FromSeconds(10));
        Pauses.All.Sum(pause => pause.TotalSeconds).ShouldBeInRange(Pauses.Promise.TotalSeconds, Pauses.Promise.TotalSeconds + 10);
        Pauses.After(1).ShouldBe(Pauses.All[0]);
        Pauses.After(1_000_000).ShouldBe(Pauses.All[^1]);
    }

    private Task<T> TryAsync<T>(Func<int, Task<T>> attempt) => Transient.TryAsync("work", NullLogger.Instance, attempt, Transient.Passes, TestContext.Current.CancellationToken, _clock);

    /// <summary>Time passes when the test says so; pauses are over at once.</summary>
    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public TimeSpan Paused { get; private set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Paused += dueTime;
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
