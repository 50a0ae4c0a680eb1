using SelfRewarding.Contracts;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A log that holds a fact in an older shape: what stands on it sees the fact of today.</summary>
public sealed class OlderShapeTests(LogDatabase database) : IClassFixture<LogDatabase>
{
    [Fact]
    public async Task Read_models_of_an_older_shape_are_those_of_the_newest_to_the_byte()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        await log.ReadModels.CatchUpAsync(CancellationToken.None);
        var before = await log.DumpAsync();
        (await OlderSteps.RewriteAsync(log.Database)).Count.ShouldBe(30);

        await RebuildAsync(log);
        (await log.DumpAsync()).ShouldNotBe(before, "without the upcast a step has no margins");

        await using var upcasting = database.Open(log.Schema, "upcasting", OlderSteps.Versions);
        await RebuildAsync(upcasting);
        (await upcasting.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task A_stream_goes_on_in_the_newest_shape_behind_older_ones()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, SummaryExample.Training("M2", "dpo", 3));
        await OlderSteps.RewriteAsync(log.Database);
        await using var newer = database.Open(log.Schema, "newer", OlderSteps.Versions);
        var stream = StreamNames.Training("kata-7", "M2");
        await newer.Log.AppendAsync(stream, 4, [.. SummaryExample.Training("M2", "dpo", 4).TakeLast(1)], CancellationToken.None);

        (await newer.Events.ReadStreamAsync(stream)).Select(stored => stored.Type)
            .ShouldBe(["training_started", "training_stepped", "training_stepped", "training_stepped", "training_stepped_v2"]);
        (await newer.Log.ReadAsync(stream, CancellationToken.None)).OfType<TrainingStepped>().Select(step => step.Preference!.RewardsMargins).ShouldBe([0.2, 0.4, 0.2 * 3, 0.8]);
    }

    // Tables of another version are dropped and filled from the log.
    private static async Task RebuildAsync(LogUnderTest log)
    {
        await log.ExecuteAsync("update selfreward_schema set version = 0 where part = 'read_models'");
        await log.ReadModels.CatchUpAsync(CancellationToken.None);
    }
}
