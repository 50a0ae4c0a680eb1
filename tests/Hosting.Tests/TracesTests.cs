using System.Diagnostics;
using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

[Collection(TelemetrySetupTests.Listeners)]
public sealed class TracesTests : IDisposable
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string TraceParent = $"00-{Trace}-b7ad6b7169203331-01";

    private static readonly Recorded Fact = new(new RunCompleted("r", new ModelRef("M1", "p", "aa")), "run-r", 2, 7, default, TraceParent);

    private readonly ActivitySource _source = new("traces-tests");
    private readonly ActivityListener _listener = new()
    {
        ShouldListenTo = source => source.Name is "traces-tests" or Traces.Name,
        Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
    };

    public TracesTests() => ActivitySource.AddActivityListener(_listener);

    [Fact]
    public void What_is_published_again_goes_on_in_the_trace_that_recorded_it()
    {
        using var span = Traces.Resume(Fact).ShouldNotBeNull();
        span.DisplayName.ShouldBe("republish");
        span.Kind.ShouldBe(ActivityKind.Internal);
        (span.TraceId.ToHexString(), span.ParentSpanId.ToHexString()).ShouldBe((Trace, "b7ad6b7169203331"));
        span.Links.ShouldBeEmpty();
        span.GetTagItem("self_rewarding.fact").ShouldBe("RunCompleted");
    }

    [Fact]
    public void What_a_fork_shares_begins_a_trace_and_links_to_the_other_run_s()
    {
        using var span = Traces.Resume(Fact with { Shared = true }).ShouldNotBeNull();
        span.TraceId.ToHexString().ShouldNotBe(Trace);
        span.Parent.ShouldBeNull();
        span.Links.ShouldHaveSingleItem().Context.TraceId.ToHexString().ShouldBe(Trace);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("00-not-a-trace")]
    public void Without_a_recorded_trace_there_is_no_span(string? traceParent)
    {
        Traces.Resume(Fact with { TraceParent = traceParent }).ShouldBeNull();
        Traces.Continue(_source, "s", traceParent).ShouldBeNull();
    }

    [Fact]
    public void A_trace_begins_beside_the_one_at_hand_and_links_to_each_cause_once()
    {
        using var cause = _source.StartActivity("cause").ShouldNotBeNull();
        using var span = Traces.Begin(_source, "work", cause.Context, default, Traces.Of(TraceParent), cause.Context).ShouldNotBeNull();
        span.TraceId.ShouldNotBe(cause.TraceId);
        span.ParentId.ShouldBeNull();
        span.Links.Select(link => link.Context.TraceId.ToHexString()).ShouldBe([cause.TraceId.ToHexString(), Trace]);
    }

    [Fact]
    public void A_recorded_trace_that_goes_on_links_to_the_one_at_hand()
    {
        using var other = _source.StartActivity("other").ShouldNotBeNull();
        using (var span = Traces.Continue(_source, "work", TraceParent).ShouldNotBeNull())
        {
            span.TraceId.ToHexString().ShouldBe(Trace);
            span.Links.ShouldHaveSingleItem().Context.ShouldBe(other.Context);
        }

        Activity.Current.ShouldBe(other);
    }

    [Fact]
    public void A_span_is_linked_to_a_recorded_trace_unless_it_is_part_of_it()
    {
        using var stranger = _source.StartActivity("stranger").ShouldNotBeNull();
        Traces.Link(TraceParent);
        stranger.Links.ShouldHaveSingleItem().Context.TraceId.ToHexString().ShouldBe(Trace);
        using var member = Traces.Continue(_source, "member", TraceParent).ShouldNotBeNull();
        var links = member.Links.Count();
        Traces.Link(TraceParent);
        Traces.Link(null);
        member.Links.Count().ShouldBe(links);
    }

    [Fact]
    public void A_failure_is_marked_and_a_host_that_stops_is_none()
    {
        using var failed = _source.StartActivity("failed").ShouldNotBeNull();
        failed.Fail(new InvalidOperationException("broken"));
        (failed.Status, failed.StatusDescription, failed.GetTagItem("error.type")).ShouldBe((ActivityStatusCode.Error, "broken", "System.InvalidOperationException"));
        using var stopped = _source.StartActivity("stopped").ShouldNotBeNull();
        stopped.Fail(new OperationCanceledException());
        stopped.Status.ShouldBe(ActivityStatusCode.Unset);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _source.Dispose();
        Activity.Current = null;
    }
}
