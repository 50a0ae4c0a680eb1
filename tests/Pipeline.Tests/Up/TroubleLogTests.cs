using SelfRewarding.Control.Up;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class TroubleLogTests
{
    private const string News = "2026-11-26T18:30:20.251Z info: MassTransit[0] Bus started: rabbitmq://127.0.0.1:45227/\n";

    [Theory]
    [InlineData("2026-11-26T18:30:21.000Z fail: SelfRewarding.Hosting.HostFailure[1] PromptGenerated in SamplerConsumer failed: no such file\n", "2026-11-26T18:30:21.000Z PromptGenerated in SamplerConsumer failed: no such file")]
    [InlineData("The broker at 127.0.0.1:5672 (SELFREWARD_RABBITMQ) refuses user 'x': wrong name or password.\n", "The broker at 127.0.0.1:5672 (SELFREWARD_RABBITMQ) refuses user 'x': wrong name or password.")]
    [InlineData("Unhandled exception. System.OutOfMemoryException: too much\n   at SelfRewarding.Sampler.Main()\n", "Unhandled exception. System.OutOfMemoryException: too much")]
    public void The_last_complaint_is_found_among_the_news(string trouble, string told) => TroubleLog.LastOf(News + trouble + News).ShouldBe(told);

    [Fact]
    public void No_trouble_is_no_news() => TroubleLog.LastOf(News + News).ShouldBeNull();

    [Fact]
    public void A_worker_that_has_written_nothing_has_no_trouble() => TroubleLog.LastLine("/nowhere/sampler-1.log").ShouldBeNull();
}
