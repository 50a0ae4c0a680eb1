using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Verify;
using SelfRewarding.Hosting;
using SelfRewarding.Judge;
using SelfRewarding.PairBuilder;
using SelfRewarding.Sampler;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Texts of a server that are together more than a message may have: over a real RabbitMQ, and in one process.</summary>
public sealed class LargeTextTests(LogDatabase database) : IClassFixture<LogDatabase>, IAsyncLifetime
{
    private const int Patience = 300_000; // what waits for ever says so
    private const string Run = "large", ManyAnswers = "answers", ManyJudgements = "judgements";

    private static readonly ModelRef M1 = new("M1", "runs/large/models/M1", "aa");

    // By ordinal. The last one is as large as a prompt may be, and so is each of its answers; they only do not fit together.
    private static readonly string[] Prompts = [ManyAnswers, ManyJudgements, "copy: abc", new string('p', 10 << 20)];

    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-large-").FullName;
    private ProtocolServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ProtocolServer.StartAsync(Answer);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact(Timeout = Patience)]
    public async Task What_no_message_can_carry_is_discarded_with_its_reason_and_the_run_goes_on_the_same_with_and_without_a_broker()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        await using var node = await PrivateBroker.StartAsync(Path.Combine(_folder, "rabbitmq"), Token);

        var (overBroker, inMemory) = (await CarryAsync(node.Address), await CarryAsync(broker: null));

        overBroker.Histories.Select(history => (history.Version, (history.Outcome as PromptDiscarded)?.Reason)).ShouldBe([
            (PromptStage.Sampled, DiscardReason.AnswersTooLarge), (PromptStage.Judged, DiscardReason.JudgementsTooLarge), (PromptStage.Settled, null), (PromptStage.Settled, DiscardReason.PairTooLarge)]);
        var discarded = overBroker.Histories.Select(history => history.Outcome).OfType<PromptDiscarded>().ToList();
        discarded.Select(discard => discard.Detail).ShouldBe([
            "CandidatesSampled has 18.1 MiB, more than the 16 MiB that a message may have", "CandidatesJudged has 18.1 MiB, more than the 16 MiB that a message may have",
            "PreferencePairBuilt has 24.1 MiB, more than the 16 MiB that a message may have"]);
        discarded[^1].Scores.Count.ShouldBe(2);
        overBroker.Frozen.Statistics.Discarded.ShouldBe(new Dictionary<string, int> { ["AnswersTooLarge"] = 1, ["JudgementsTooLarge"] = 1, ["PairTooLarge"] = 1 }, ignoreOrder: true);

        JsonSerializer.Serialize(inMemory.Histories.Select(history => history.Outcome)).ShouldBe(JsonSerializer.Serialize(overBroker.Histories.Select(history => history.Outcome)));
        inMemory.Frozen.Sha256.ShouldBe(overBroker.Frozen.Sha256);

        Check(overBroker.Histories).ShouldBeNull();
        Check([overBroker.Histories[2] with { Outcome = discarded[^1] }]).ShouldBe("pairs and discards follow from the scores");
        Check([overBroker.Histories[3] with { Outcome = discarded[^1] with { Reason = DiscardReason.Tie } }]).ShouldBe("pairs and discards follow from the scores");
        Check([overBroker.Histories[0] with { Outcome = discarded[0] with { Reason = DiscardReason.JudgementsTooLarge } }]).ShouldBe("discards stand at the stage that their reason names");
        Check([overBroker.Histories[0] with { Generated = overBroker.Histories[0].Generated! with { Prompt = new string('p', 17 << 20) } }]).ShouldBe("every stage is small enough to be sent");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RunSettings Settings => Presets.Kata with
    {
        Iterations = 1,
        Prompts = Presets.Kata.Prompts with { PerIteration = Prompts.Length },
        Candidates = Presets.Kata.Candidates with { Count = 2 },
        Judge = Presets.Kata.Judge with { Count = 1 },
        Engines = new() { Candidates = new() { Url = _server.Url, Model = "lab" }, Judgements = new() { Url = _server.Url, Model = "lab" } },
    };

    // Each key has a letter of its own, and that is the answer's score.
    private static string Answer(Asked asked)
    {
        var letter = (char)('0' + (asked.Seed % 6));
        if (!asked.Prompt.StartsWith("judge ", StringComparison.Ordinal))
            return new string(letter, asked.Prompt switch { ManyAnswers => 9 << 20, [.., 'p'] => 7 << 20, _ => 1 });
        return (asked.Prompt.Contains(ManyJudgements, StringComparison.Ordinal) ? new string('j', 9 << 20) : "") + $"\nScore: {asked.Prompt.TrimEnd('\n')[^1]}";
    }

    // From four prompts to the dataset, by workers that share a process.
    private async Task<(IReadOnlyList<PromptHistory> Histories, DatasetFrozen Frozen)> CarryAsync(string? broker)
    {
        await using var log = await database.CreateAsync();
        await log.Log.AppendOnceAsync(StreamNames.Run(Run), RunStage.Started, new RunStarted(Run, Settings, []), Token);
        foreach (var (ordinal, prompt) in Prompts.Index())
            await log.Runs.AppendStageAsync(Run, 1, ordinal, PromptStage.Generated, new PromptGenerated(Run, 1, ordinal, M1, prompt, "prompts.jsonl", [], []), Token);

        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddWorkers(
            new WorkerOptions { Data = _folder, Postgres = log.Database.ConnectionString, RabbitMq = broker }, [SamplerModule.Module, JudgeModule.Module, PairBuilderModule.Module]);
        using var host = builder.Build();
        await host.StartAsync(Token);
        await host.Services.GetRequiredService<Recovery>().RepublishAsync(Run, Token);
        DatasetFrozen? frozen = null;
        await foreach (var recorded in log.Runs.FollowAsync(0, Run, Token))
        {
            if ((frozen = recorded.Fact as DatasetFrozen) is not null)
                break;
        }

        var histories = await log.Runs.ReadPromptsAsync(Run, 1, [.. Enumerable.Range(0, Prompts.Length)], Token);
        await host.StopAsync(Token);
        return (histories, frozen!);
    }

    // The first rule that is broken.
    private string? Check(IReadOnlyList<PromptHistory> histories)
    {
        var report = new VerifyReport();
        foreach (var history in histories)
            PromptChecks.Check(report, "prompt", history, Settings, Settings);
        return report.First?.Check;
    }
}
