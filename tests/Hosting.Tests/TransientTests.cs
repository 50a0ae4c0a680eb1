using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class TransientTests
{
    private readonly Clock _clock = new();

    [Fact]
    public async Task Work_that_fails_ten_times_in_a_row_is_given_up()
    {
        var attempts = 0;

        await Should.ThrowAsync<TimeoutException>(() => TryAsync<int>(_ =>
        {
            attempts++;
            throw new TimeoutException();
        }));

        attempts.ShouldBe(10);
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

    private Task<T> TryAsync<T>(Func<int, Task<T>> attempt) => Transient.TryAsync("work", NullLogger.Instance, attempt, Transient.Passes, TestContext.Current.CancellationToken, _clock);

    /// <summary>Time passes when the test says so; pauses are over at once.</summary>
    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
