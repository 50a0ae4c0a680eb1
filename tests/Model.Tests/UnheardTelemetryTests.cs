using System.Diagnostics;
using Shouldly;

namespace SelfRewarding.Model.Tests;

/// <summary>What telemetry costs where nobody listens.</summary>
[Collection(ModelTelemetryTests.Listeners)]
public sealed class UnheardTelemetryTests
{
    private static readonly GenerationRequest Request = new([1, 5, 6], [1, 2], new(0.7, 0.9, 40, 4));
    private static readonly IReadOnlyList<Completion> Answers = [new([7], [-1f], FinishReason.Stop, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2))];
    private static readonly InvalidOperationException Failure = new("no");

    [Fact]
    public void A_request_allocates_nothing_for_spans_and_metrics()
    {
        // What is compiled and initialised once does not count.
        AllocatedBy(1000);

        AllocatedBy(1000).ShouldBe(0);
    }

    [Fact]
    public void A_request_has_no_span()
    {
        using var telemetry = new GenerationTelemetry("tiny", Request, null, TimeProvider.System);
        Activity.Current.ShouldBeNull();
    }

    private static long AllocatedBy(int requests)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < requests; i++)
        {
            using var telemetry = new GenerationTelemetry("tiny", Request, null, TimeProvider.System);
            telemetry.Succeeded(Answers);
            telemetry.Failed(Failure);
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
