using Microsoft.Extensions.Time.Testing;
using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class TrainingJournalTests(LogDatabase database) : IClassFixture<LogDatabase>
{
    private const string Run = "journal", Model = "M1";

    private static readonly TrainingStarted Plan = new(Run, Model, "sft", new ModelRef("M0", "none", "none"), "data", 10, 0, 9);

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Steps_of_a_second_are_recorded_together()
    {
        await using var log = await database.CreateAsync();
        var journal = await OpenAsync(log);
        await journal.StartAsync(Plan, Token);
        for (var step = 1; step <= 3; step++)
            await journal.StepAsync(Step(step), Token);
        (await RecordedAsync(log)).ShouldBe(["started"]);

        _time.Advance(TrainingJournal.Pause);
        await journal.StepAsync(Step(4), Token);
        await journal.StepAsync(Step(5), Token);
        await WaitAsync(async () => (await RecordedAsync(log)).Count == 5);
        (await RecordedAsync(log)).ShouldBe(["started", "1", "2", "3", "4"]);

        await journal.FlushAsync(Token);
        (await RecordedAsync(log)).ShouldBe(["started", "1", "2", "3", "4", "5"]);
    }

    [Fact]
    public async Task A_checkpoint_is_recorded_at_once_and_after_every_step_before_it()
    {
        await using var log = await database.CreateAsync();
        var journal = await OpenAsync(log);
        await journal.StartAsync(Plan, Token);
        await journal.StepAsync(Step(1), Token);
        await journal.StepAsync(Step(2), Token);

        await journal.CheckpointAsync(Checkpoint(2), Token);

        (await RecordedAsync(log)).ShouldBe(["started", "1", "2", "checkpoint 2"]);
    }

    [Fact]
    public async Task Steps_that_are_recorded_beyond_the_last_checkpoint_are_not_recorded_again_and_those_that_were_lost_are()
    {
        await using var log = await database.CreateAsync();
        var killed = await OpenAsync(log);
        await killed.StartAsync(Plan, Token);
        await killed.StepAsync(Step(1), Token);
        await killed.CheckpointAsync(Checkpoint(1), Token);
        await killed.StepAsync(Step(2), Token);
        await killed.StepAsync(Step(3), Token);
        await killed.FlushAsync(Token);
        // Gathered, and gone with the process.
        await killed.StepAsync(Step(4), Token);

        var next = await OpenAsync(log);
        next.Checkpoints.ShouldHaveSingleItem().Step.ShouldBe(1);
        await next.StartAsync(Plan, Token);
        for (var step = 2; step <= 5; step++)
            await next.StepAsync(Step(step), Token);
        await next.CheckpointAsync(Checkpoint(5), Token);

        (await RecordedAsync(log)).ShouldBe(["started", "1", "checkpoint 1", "2", "3", "4", "5", "checkpoint 5"]);
    }

    private Task<TrainingJournal> OpenAsync(LogUnderTest log) => TrainingJournal.OpenAsync(log.Log, Run, Model, _time, Token);

    private static async Task<IReadOnlyList<string>> RecordedAsync(LogUnderTest log) =>
        [.. (await log.Log.ReadAsync(StreamNames.Training(Run, Model), Token)).Select(fact => fact switch
        {
            TrainingStarted => "started",
            TrainingStepped step => $"{step.Step}",
            CheckpointSaved saved => $"checkpoint {saved.Step}",
            _ => fact.ToString()!,
        })];

    private static async Task WaitAsync(Func<Task<bool>> isSo)
    {
        while (!await isSo())
            await Task.Delay(5, Token);
    }

    private static TrainingStepped Step(int step) => new(Run, Model, step, 1.0 / step, 1, 1e-3, 100, 0.1, null, [step], null, []);

    private static CheckpointSaved Checkpoint(int step) => new(Run, Model, step, $"step-{step}", "weights", "optimizer");
}
