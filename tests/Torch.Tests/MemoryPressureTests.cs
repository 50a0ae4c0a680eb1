using Microsoft.Extensions.Time.Testing;
using Shouldly;
using Xunit;

namespace SelfRewarding.Torch.Tests;

public sealed class MemoryPressureTests
{
    private const long Weights = 2 * MemoryPressure.Step, Activations = 9 * MemoryPressure.Step;

    private readonly FakeTimeProvider _time = new();
    private readonly MemoryPressure _pressure;

    public MemoryPressureTests() => _pressure = new(_time);

    [Fact]
    public void A_rise_is_told_at_once_and_little_is_not_told_at_all()
    {
        _pressure.Change(MemoryPressure.Step - 1).ShouldBe(0);
        _pressure.Change(Weights).ShouldBe(Weights);
        _pressure.Change(Weights + 1).ShouldBe(0);

        _pressure.Told.ShouldBe(Weights);
    }

    [Fact]
    public void Steps_whose_peaks_are_alike_tell_nothing_after_the_first()
    {
        _pressure.Change(Weights);
        _pressure.Change(Weights + Activations).ShouldBe(Activations);

        for (var step = 0; step < 1000; step++)
        {
            _time.Advance(MemoryPressure.Window / 7);
            _pressure.Change(Weights).ShouldBe(0);
            _pressure.Change(Weights + Activations).ShouldBe(0);
        }
    }

    [Fact]
    public void What_stays_away_is_taken_back_after_two_windows_and_the_highest_of_the_last_remains()
    {
        _pressure.Change(Weights + Activations);
        _time.Advance(MemoryPressure.Window);
        _pressure.Change(Weights).ShouldBe(0);
        _time.Advance(MemoryPressure.Window / 2);
        _pressure.Change(Weights + MemoryPressure.Step).ShouldBe(0);
        _time.Advance(MemoryPressure.Window / 2);

        _pressure.Change(Weights).ShouldBe(MemoryPressure.Step - Activations);

        _pressure.Told.ShouldBe(Weights + MemoryPressure.Step);
    }
}
