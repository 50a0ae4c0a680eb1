using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Verify;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.PromptGen;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Drafts of a server that are more than a message may have, one by one or together.</summary>
public sealed class LargeDraftTests(LogDatabase database) : IClassFixture<LogDatabase>
{
    private const int Patience = 300_000; // what waits for ever says so
    private const string Run = "large";
    private const int Large = 9 << 20;

    private static readonly ModelRef M1 = new("M1", "runs/large/models/M1", "aa");

    [Fact(Timeout = Patience)]
    public async Task What_a_server_drafts_too_large_is_refused_by_that_name_and_its_prompt_discarded_small_enough_to_be_sent()
    {
        await using var server = await ProtocolServer.StartAsync(_ => new string('x', Large));
        var settings = SettingsOf(server.Url);
        await using var log = await database.CreateAsync();
        await log.Log.AppendOnceAsync(StreamNames.Run(Run), RunStage.Started, new RunStarted(Run, settings, []), Token);
        foreach (var name in ModelNames.All(settings.Iterations).TakeWhile(name => name != "M2"))
            await log.Log.AppendOnceAsync(StreamNames.Run(Run), RunStage.Published(name, settings.Iterations), new ModelPublished(Run, M1 with { Name = name }, null, null, 1), Token);

        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddWorkers(new WorkerOptions { Data = "/nowhere", Postgres = log.Database.ConnectionString }, [PromptGenModule.Module]);
        using var host = builder.Build();
        await host.StartAsync(Token);
        await host.Services.GetRequiredService<Recovery>().RepublishAsync(Run, Token);
        var left = settings.Prompts.PerIteration;
        await foreach (var recorded in log.Runs.FollowAsync(0, Run, Token))
        {
            left -= recorded.Fact is PromptDiscarded ? 1 : 0;
            if (left == 0)
                break;
        }

        await host.StopAsync(Token);
        var histories = await log.Runs.ReadPromptsAsync(Run, 1, [.. Enumerable.Range(0, settings.Prompts.PerIteration)], Token);
        foreach (var discarded in histories.Select(history => history.Outcome.ShouldBeOfType<PromptDiscarded>()))
        {
            discarded.Reason.ShouldBe(DiscardReason.NoAcceptableDraft);
            discarded.Rejected.ShouldBe([new RejectedDraft(0, "", "too_large", Large, null), new RejectedDraft(1, "", "too_large", Large, null)]);
        }

        var report = Verify(settings, SeedData.For(settings), histories);
        report.First.ShouldBeNull();
        report.Unchecked.ShouldBe([("the verdicts on 4 drafts of iteration 1", "what was too large is not recorded")]);
    }

    [Fact]
    public void A_draft_is_too_large_however_it_ended_and_whatever_it_consists_of()
    {
        var pool = new PromptPool(new FilterSettings(), []);
        pool.Check(new string('x', DraftLimit.MostBytes), Finish.Stop)!.Reason.ShouldBe("too_short");
        foreach (var finish in Enum.GetValues<Finish>())
            pool.Check(new string('x', DraftLimit.MostBytes + 1), finish).ShouldBe(new Verdict("too_large", DraftLimit.MostBytes + 1, null));
        pool.Check(new string(' ', DraftLimit.MostBytes + 1), Finish.Stop).ShouldBe(new Verdict("too_large", DraftLimit.MostBytes + 1, null));
        pool.Check(new string('é', (DraftLimit.MostBytes / 2) + 1), Finish.Stop).ShouldBe(new Verdict("too_large", DraftLimit.MostBytes + 2, null));
    }

    [Fact]
    public void Refused_drafts_that_are_too_large_together_are_recorded_without_their_texts()
    {
        var text = new string('x', 1_000_000);
        RejectedDraft[] drafts = [new(0, "", "examples_too_long", 7, null), .. Enumerable.Range(1, 17).Select(attempt => new RejectedDraft(attempt, text, "too_short", 1, null))];
        var discarded = new PromptDiscarded(Run, 1, 0, DiscardReason.NoAcceptableDraft, "all 18 drafts were refused", [], drafts);
        MessageLimit.Refuses(discarded).ShouldNotBeNull();

        var fitting = DraftLimit.Fit(discarded);
        MessageLimit.Refuses(fitting).ShouldBeNull();
        fitting.Rejected.ShouldBe([drafts[0], .. Enumerable.Range(1, 17).Select(attempt => new RejectedDraft(attempt, "", "too_large_together", 1_000_000, null))]);
        var generated = new PromptGenerated(Run, 1, 0, M1, "copy: abc", "server", ["copy: a"], drafts);
        DraftLimit.Fit(generated)!.Rejected.ShouldBe(fitting.Rejected);
        DraftLimit.Fit(generated with { Examples = [new string('x', 17 << 20)] }).ShouldBeNull("no message can carry its examples");

        // What fits stays as it is.
        DraftLimit.Fit(discarded with { Rejected = drafts[..10] }).Rejected.ShouldBe(drafts[..10]);

        Verify(fitting).ShouldBeNull();
        Verify(fitting with { Rejected = [new RejectedDraft(0, "x", "too_large_together", 1, null)] }).ShouldBe("drafts without a text are too large");
        Verify(fitting with { Rejected = [new RejectedDraft(0, "", "too_large", 1, null)] }).ShouldBe("drafts without a text are too large");
        Verify(discarded).ShouldBe("every stage is small enough to be sent");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static RunSettings SettingsOf(string? server) => Presets.Kata with
    {
        Iterations = 1,
        Prompts = Presets.Kata.Prompts with { PerIteration = 2, MaxDrafts = 2 },
        Engines = new() { Prompts = new() { Url = server, Model = "lab" } },
    };

    private static VerifyReport Verify(RunSettings settings, SeedData seed, IReadOnlyList<PromptHistory> histories)
    {
        var report = new VerifyReport();
        var filters = new FilterChecks(report, Run, 1, settings, seed, []);
        foreach (var history in histories)
        {
            PromptChecks.Check(report, "prompt", history, settings, settings);
            filters.Add(history);
        }

        filters.End();
        return report;
    }

    // The first rule that is broken.
    private static string? Verify(PromptDiscarded discarded) => Verify(
        SettingsOf(null), new SeedData { Ift = [], SeedPrompts = [], HeldOutPrompts = [], HeldOutRanked = [] }, [PromptHistory.Empty.Apply(discarded)]).First?.Check;
}
