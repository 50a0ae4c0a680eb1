using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Whole runs whose stages are handed to a server, in the real command.</summary>
[Collection(SpreadRuns.Name)]
public sealed class ServerRunTests : IAsyncLifetime
{
    private const string Key = "sk-lab-key-that-nobody-may-see";

    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-server-").FullName;
    private ProtocolServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ProtocolServer.StartAsync(KataServer.Answer);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task Judgements_of_a_server_make_the_pairs_and_verify_says_what_only_the_server_could_repeat()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(Arguments(_data, "judgements"));
        code.ShouldBe(0, output + errors);
        await using (var log = await LogReader.OpenAsync(_data, CancellationToken.None))
        {
            var judgements = 0;
            await foreach (var recorded in log.Runs.ReadAllAsync(0, TinyRun.Name, CancellationToken.None))
            {
                (recorded.Fact as CandidatesSampled)?.Server.ShouldBeNull();
                if (recorded.Fact is not CandidatesJudged judged)
                    continue;
                judgements += judged.Judgements.Count;
                var server = judged.Server.ShouldNotBeNull();
                server.Models.ShouldBe([ProtocolServer.Model]);
                (server.Url, server.Requests, server.InputTokens, server.OutputTokens).ShouldBe((_server.Url, judged.Judgements.Count, 11L * judged.Judgements.Count, judged.Judgements.Sum(judgement => judgement.TokenCount)));
                judged.Judgements.ShouldAllBe(judgement => judgement.LogProb == null && judgement.Raw.Contains("Score: "));
            }

            judgements.ShouldBe(_server.Requests.Count);
        }

        (code, output, errors) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", _data, "--regenerate", "4");
        code.ShouldBe(0, output + errors);
        output.ShouldContain("answers are generated again to the token");
        output.ShouldContain("Not checked: 0 answers and 4 judgements that were drawn to be generated again (servers wrote them");
        output.ShouldContain("What was checked agrees.");

        (code, output, errors) = await SelfrewardProcess.RunAsync("lineage", $"{TinyRun.Name}/1/{await AnyPairAsync()}", "--data", _data);
        code.ShouldBe(0, output + errors);
        output.ShouldContain($"by {ProtocolServer.Model}");
    }

    [Fact]
    public async Task A_run_of_a_server_that_fails_and_workers_that_are_killed_ends_like_a_quiet_one()
    {
        var quiet = Path.Combine(_data, "quiet");
        var (code, output, errors) = await RunAsync(quiet);
        code.ShouldBe(0, output + errors);
        var whole = await TinyRun.FingerprintAsync(quiet);
        whole.Count(line => line.StartsWith("dataset", StringComparison.Ordinal)).ShouldBe(2);

        // Without its key it stops as soon as it needs the server, says so in a sentence, and goes on when the key is there.
        var disturbed = Path.Combine(_data, "disturbed");
        var asked = _server.Requests.Count;
        (code, output, errors) = await SelfrewardProcess.RunAsync(WithKey(disturbed));
        code.ShouldBe(1, output + errors);
        errors.ShouldContain("engines.prompts.api_key_variable names LAB_API_KEY, but this worker's environment has no such variable");
        _server.Requests.Count.ShouldBe(asked);

        Func<Recorded, bool>[] moments =
        [
            recorded => recorded.Fact is PromptGenerated { Ordinal: 5 },
            Nth<CandidatesSampled>(5),
            Nth<CandidatesJudged>(7),
            recorded => recorded.Fact is ModelPublished { Model.Name: "M2" },
        ];
        var kills = 0;
        foreach (var moment in moments)
        {
            Misbehave();
            using var process = Start(disturbed);
            if (await TinyRun.ReachesAsync(process, disturbed, moment))
            {
                await process.KillAsync();
                kills++;
            }
        }

        kills.ShouldBeGreaterThanOrEqualTo(3, "the run ended before it could be killed often enough to mean anything");

        Misbehave();
        (code, output, errors) = await RunAsync(disturbed);
        code.ShouldBe(0, output + errors);
        (await TinyRun.FingerprintAsync(disturbed)).ShouldBe(whole);
        _server.Misdeeds.ShouldBeEmpty();
        _server.Requests.ShouldAllBe(request => request.Authorization == $"Bearer {Key}");
        (code, output, errors) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", disturbed);
        code.ShouldBe(0, output + errors);
        output.ShouldContain("Everything agrees.");
        await NothingRecordsTheKeyAsync(disturbed);
    }

    // What passes, most of it without a long pause.
    private void Misbehave()
    {
        _server.Misdeeds.Enqueue(ProtocolServer.Status(429, ProtocolServer.Error("slow down"), retryAfter: "0"));
        _server.Misdeeds.Enqueue(ProtocolServer.Status(503, retryAfter: "0"));
        _server.Misdeeds.Enqueue(ProtocolServer.BreakOff);
        _server.Misdeeds.Enqueue(ProtocolServer.Says("no JSON"));
        _server.Misdeeds.Enqueue(ProtocolServer.HangUp);
    }

    private static async Task NothingRecordsTheKeyAsync(string folder)
    {
        await using (var log = await LogReader.OpenAsync(folder, CancellationToken.None))
        {
            await foreach (var stored in log.Store.ReadAllAsync())
                System.Text.Encoding.UTF8.GetString(stored.Data.Span).ShouldNotContain(Key);
        }

        (await File.ReadAllTextAsync(Path.Combine(folder, "selfreward.log"))).ShouldNotContain(Key);
    }

    private async Task<int> AnyPairAsync()
    {
        await using var log = await LogReader.OpenAsync(_data, CancellationToken.None);
        await foreach (var pair in log.Runs.ReadPairsAsync(TinyRun.Name, 1, CancellationToken.None))
            return pair.Ordinal;
        throw new InvalidOperationException("The run made no pair.");
    }

    private string[] Arguments(string data, params string[] stages) => TinyRun.Arguments(
        data, [.. stages.SelectMany(stage => (string[])["--set", $"engines.{stage}.url={_server.Url}", "--set", $"engines.{stage}.model=lab-7b"])]);

    private string[] WithKey(string data) =>
        [.. Arguments(data, "prompts", "candidates", "judgements"), .. Stages.SelectMany(stage => (string[])["--set", $"engines.{stage}.api_key_variable=LAB_API_KEY"])];

    private static readonly string[] Stages = ["prompts", "candidates", "judgements"];

    private SelfrewardProcess Start(string data) => SelfrewardProcess.StartProgram("Control", new Dictionary<string, string> { ["LAB_API_KEY"] = Key }, WithKey(data));

    private async Task<(int ExitCode, string Output, string Errors)> RunAsync(string data)
    {
        using var process = Start(data);
        return (await process.WaitAsync(), process.Output, process.Errors);
    }

    private static Func<Recorded, bool> Nth<T>(int n)
    {
        var seen = 0;
        return recorded => recorded.Fact is T && ++seen == n;
    }
}
