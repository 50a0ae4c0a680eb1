using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests.Meta;

/// <summary>A run that compares judgements in its first iteration and trains on pairs of them, in the real command; a server judges and compares.</summary>
public sealed class MetaRun : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-meta-").FullName;
    private ProtocolServer _server = null!;
    private HeldComparison? _held;

    /// <summary>The quiet run's data folder.</summary>
    public string Folder => _folder;

    /// <summary>What it printed.</summary>
    public string Output { get; private set; } = "";

    /// <summary>Lets the server keep a comparison to itself: the first that is asked after so many others.</summary>
    internal HeldComparison Hold(int after) => _held = new HeldComparison(after);

    /// <summary>Arguments of the run in a folder.</summary>
    public string[] Arguments(string data) => TinyRun.Arguments(
        data, ["--set", "judge.meta_iterations=1", "--judgements", "4", .. new[] { "prompts", "candidates", "judgements" }.SelectMany(stage => (string[])["--set", $"engines.{stage}.url={_server.Url}", "--set", $"engines.{stage}.model=lab-7b"])]);

    public async ValueTask InitializeAsync()
    {
        _server = await ProtocolServer.StartAsync(AnswerAsync);
        var (code, output, errors) = await SelfrewardProcess.RunAsync(Arguments(_folder));
        code.ShouldBe(0, output + errors);
        Output = output;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<string> AnswerAsync(Asked asked)
    {
        if (ComparingServer.IsComparison(asked) && _held is { } held)
            await held.PassAsync();
        return ComparingServer.Answer(asked);
    }
}

/// <summary>A comparison that a server has been asked for and does not answer.</summary>
internal sealed class HeldComparison(int after)
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously), _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _passed;

    /// <summary>Ends when it has been asked for.</summary>
    public Task Asked => _asked.Task;

    /// <summary>Answers it after all.</summary>
    public void Release() => _released.TrySetResult();

    internal Task PassAsync()
    {
        if (Interlocked.Increment(ref _passed) != after + 1)
            return Task.CompletedTask;
        _asked.TrySetResult();
        return _released.Task;
    }
}

[Collection(WholeRuns.Name)]
public sealed class MetaRunTests(MetaRun run) : IClassFixture<MetaRun>
{
    private const string Name = TinyRun.Name;

    [Fact]
    public async Task Compared_judgements_make_pairs_that_are_frozen_and_trained_on_among_those_of_answers()
    {
        await using var log = await LogReader.OpenAsync(run.Folder, CancellationToken.None);
        var (first, second) = (await HistoriesAsync(log, 1), await HistoriesAsync(log, 2));
        first.Where(history => history.Judged is not null).ShouldAllBe(history => history.Judged!.Meta != null && history.Judging != null);
        second.ShouldAllBe(history => history.Judged == null || (history.Judged.Meta == null && history.Judging == null));
        first.SelectMany(history => history.Judged?.Meta ?? []).ShouldContain(comparison => comparison.Winner == null && comparison.Raw == "both have their points");

        var judging = first.SelectMany(history => CanonicalPair.AllOf(history.Outcome)).Where(pair => pair.IsJudging).ToList();
        var answers = first.SelectMany(history => CanonicalPair.AllOf(history.Outcome)).Where(pair => !pair.IsJudging).ToList();
        judging.Count.ShouldBeGreaterThan(5);
        judging.ShouldAllBe(pair => pair.Rejected == "fine. Score: 3" || pair.Rejected.StartsWith("?? "), "what the server holds for worse");
        answers.ShouldNotBeEmpty();

        var training = await log.Log.ReadAsync(StreamNames.Training(Name, "M2"), CancellationToken.None);
        var (frozen, plan, steps) = (training.OfType<DatasetFrozen>().Single(), training.OfType<TrainingStarted>().Single(), training.OfType<TrainingStepped>().ToList());
        frozen.Pairs.ShouldBe(answers.Count);
        var statistics = frozen.Statistics.Judging.ShouldNotBeNull();
        (statistics.Pairs, statistics.Pairs + statistics.NoPair.Values.Sum()).ShouldBe((judging.Count, first.Count(history => history.Judged is not null)));
        statistics.Comparisons.ShouldBe(first.Sum(history => history.Judged?.Meta?.Count ?? 0));
        frozen.Sha256.ShouldBe(CanonicalDataset.Sha256([.. answers, .. judging]));
        frozen.Sha256.ShouldNotBe(CanonicalDataset.Sha256(answers));
        CanonicalDataset.Read(Path.Combine(run.Folder, "runs", Name, "pairs", "M2.jsonl")).Count(pair => pair.IsJudging).ShouldBe(judging.Count);

        plan.Examples.ShouldBe(answers.Count + judging.Count);
        plan.DatasetSha256.ShouldBe(frozen.Sha256);
        var shown = steps.SelectMany(step => step.Examples.Where((_, place) => step.Judging?.Contains(place) == true)).CountBy(ordinal => ordinal).ToList();
        shown.Select(pair => pair.Key).Order().ShouldBe(judging.Select(pair => pair.Ordinal));
        shown.ShouldAllBe(pair => pair.Value == 2, "two epochs");
        var later = await log.Log.ReadAsync(StreamNames.Training(Name, "M3"), CancellationToken.None);
        later.OfType<DatasetFrozen>().Single().Statistics.Judging.ShouldBeNull();
        later.OfType<TrainingStepped>().ShouldAllBe(step => step.Judging == null);
        run.Output.ShouldContain($"pairs and {judging.Count} pairs of judgements from 24 prompts");
        run.Output.ShouldContain("Its judgements compared");
    }

    [Fact]
    public async Task Verifying_parses_each_comparison_again_and_recomputes_the_choice()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync("verify", Name, "--data", run.Folder);
        code.ShouldBe(0, output + errors);
        output.ShouldContain("verdicts follow from the raw comparisons");
        output.ShouldContain("judgements are compared where the scores differ most");
        output.ShouldContain("pairs of judgements among them follow, too");
        output.ShouldContain("Everything agrees.");
    }

    [Theory]
    [InlineData("jsonb_set(data, '{Meta,0,Raw}', '\"Winner: C\"')", 3, "verdicts follow from the raw comparisons")]
    [InlineData("data - 'Meta'", 3, "judgements are compared where the scores differ most")]
    [InlineData("jsonb_set(data, '{Judging,Strengths,0,Strength}', '0.5')", 4, "pairs and discards follow from the scores")]
    [InlineData("jsonb_set(data, '{Judging,Pair,Chosen,Text}', '\"Score: 1\"')", 4, "pairs and discards follow from the scores")]
    public async Task What_was_changed_in_a_comparison_or_in_what_came_of_it_is_found(string changed, int version, string rule) => await ChangedLog.WhileAsync(run.Folder, async database =>
    {
        var (stream, _) = await AnyPairAsync();
        await using var command = database.CreateCommand($"update mt_events set data = {changed} where stream_id = '{stream}' and version = {version}");
        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
        var (code, output, errors) = await SelfrewardProcess.RunAsync("verify", Name, "--data", run.Folder);
        code.ShouldBe(1, output + errors);
        output[output.IndexOf("First difference", StringComparison.Ordinal)..].ShouldContain(rule);
    });

    [Fact]
    public async Task From_a_model_one_walks_to_the_pair_of_judgements_and_to_what_was_said_of_them()
    {
        var model = await LineageAsync($"{Name}/M2");
        var id = All(model).First(node => Kind(node) == "judging pair")["id"]!.GetValue<string>();
        id.ShouldEndWith("/judging");

        var prompt = await LineageAsync(id);
        var pair = All(prompt).Single(node => Kind(node) == "judging pair");
        var comparisons = All(pair).Where(node => Kind(node) == "comparison").ToList();
        comparisons.ShouldNotBeEmpty();
        comparisons.ShouldAllBe(comparison => comparison["text"]!.GetValue<string>().Length > 0);
        foreach (var side in (string[])["chosen", "rejected"])
        {
            var judgement = pair["facts"]![side]!.GetValue<string>();
            All(await LineageAsync(judgement)).Single(node => Kind(node) == "judgement")["id"]!.GetValue<string>().ShouldBe(judgement);
        }

        var trained = All(prompt).Single(node => Kind(node) == "trained" && node["facts"]!["on"]?.GetValue<string>() == "the judging pair");
        var step = All(trained).First(node => Kind(node) == "step")["id"]!.GetValue<string>();
        var before = All(await LineageAsync(step)).Single(node => Kind(node) == "judging pair" && node["id"]!.GetValue<string>() == id);
        before["facts"]!["margin"]!.GetValue<double>().ShouldBe(All(trained).First(node => Kind(node) == "pair before")["facts"]!["margin"]!.GetValue<double>());
    }

    [Fact]
    public async Task Exported_pairs_say_which_are_of_judgements_and_have_the_judge_s_text_for_a_prompt()
    {
        var file = Path.Combine(run.Folder, $"pairs-{Guid.NewGuid():N}.jsonl");
        var (code, output, errors) = await SelfrewardProcess.RunAsync("export", Name, "--data", run.Folder, "--pairs", file);
        code.ShouldBe(0, output + errors);
        var lines = File.ReadLines(file).Select(line => JsonNode.Parse(line)!).ToList();
        var judging = lines.Where(line => line["kind"]?.GetValue<string>() == "judgements").ToList();
        judging.ShouldNotBeEmpty();
        judging.ShouldAllBe(line => line["prompt"]!.GetValue<string>() == $"judge {line["instruction"]!.GetValue<string>()} -> {line["response"]!.GetValue<string>()}\n");
        judging.ShouldAllBe(line => line["iteration"]!.GetValue<int>() == 1 && line["chosen"]!.GetValue<string>().Contains("Score: "));
        lines.Except(judging).ShouldAllBe(line => !line["prompt"]!.GetValue<string>().StartsWith("judge "));
        (code, output, errors) = await SelfrewardProcess.RunAsync("data", "check", file, "--kind", "pairs");
        code.ShouldBe(0, output + errors);
    }

    [Fact]
    public async Task A_run_that_is_killed_while_judgements_are_compared_and_trained_on_ends_like_a_quiet_one()
    {
        var data = Directory.CreateTempSubdirectory("selfreward-meta-killed-").FullName;
        try
        {
            // While a prompt waits for one of its comparisons, and others are there.
            var held = run.Hold(after: 12);
            using (var process = SelfrewardProcess.Start(run.Arguments(data)))
            {
                (await Task.WhenAny(held.Asked, process.WaitAsync())).ShouldBe(held.Asked, "the run ended before");
                await process.KillAsync();
                held.Release();
            }

            using (var process = SelfrewardProcess.Start(run.Arguments(data)))
            {
                (await TinyRun.ReachesAsync(process, data, recorded => recorded.Fact is TrainingStepped { Model: "M2", Step: 3 })).ShouldBeTrue();
                await process.KillAsync();
            }

            var (code, output, errors) = await SelfrewardProcess.RunAsync(run.Arguments(data));
            code.ShouldBe(0, output + errors);
            (await TinyRun.FingerprintAsync(data)).ShouldBe(await TinyRun.FingerprintAsync(run.Folder));
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task A_fork_from_judgements_compares_anew_and_one_from_pairs_chooses_anew()
    {
        await ForkAsync("again", "--from", "judgements");
        (await TinyRun.FingerprintAsync(run.Folder, "again")).ShouldBe(await TinyRun.FingerprintAsync(run.Folder));

        var (code, output, errors) = await SelfrewardProcess.RunAsync(
            "fork", Name, "--data", run.Folder, "--at", "1", "--from", "pairs", "--run", "never", "--dry-run", "--set", "judge.meta_max_length=1");
        code.ShouldBe(0, output + errors);
        output.ShouldContain("pairs of judgements");
        await ForkAsync("without", "--from", "pairs", "--set", "judge.meta_iterations=null");
        (code, output, errors) = await SelfrewardProcess.RunAsync("verify", "without", "--data", run.Folder);
        code.ShouldBe(0, output + errors);
        await using var log = await LogReader.OpenAsync(run.Folder, CancellationToken.None);
        (await HistoriesAsync(log, 1, "without")).ShouldAllBe(history => history.Judging == null);
        (await HistoriesAsync(log, 1, "without")).ShouldContain(history => history.Judged!.Meta != null, "they are there, and left unused");
    }

    [Fact]
    public async Task Comparisons_of_Kata_s_own_model_are_kept_and_repeat_to_the_token_though_it_never_learnt_to_compare()
    {
        var data = Directory.CreateTempSubdirectory("selfreward-meta-kata-").FullName;
        try
        {
            var (code, output, errors) = await SelfrewardProcess.RunAsync(TinyRun.Arguments(data, "--set", "judge.meta_iterations=2", "--iterations", "1"));
            code.ShouldBe(0, output + errors);
            await using (var log = await LogReader.OpenAsync(data, CancellationToken.None))
            {
                (await HistoriesAsync(log, 1)).SelectMany(history => history.Judged?.Meta ?? [])
                    .Count(comparison => comparison is { Winner: null, Unparsable: not null } && comparison.Raw.Length > 0).ShouldBeGreaterThan(10);
            }

            (code, output, errors) = await SelfrewardProcess.RunAsync("verify", Name, "--data", data, "--regenerate", "30");
            code.ShouldBe(0, output + errors);
            output.ShouldContain("comparisons are generated again to the token", customMessage: output);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private async Task ForkAsync(string name, params string[] more)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["fork", Name, "--data", run.Folder, "--plain", "--at", "1", "--run", name, .. more]);
        code.ShouldBe(0, output + errors);
    }

    private async Task<(string Stream, JudgingPair Pair)> AnyPairAsync()
    {
        await using var log = await LogReader.OpenAsync(run.Folder, CancellationToken.None);
        var history = (await HistoriesAsync(log, 1)).First(history => history.Judging?.Pair is not null);
        return (StreamNames.Prompt(Name, 1, history.Generated!.Ordinal), history.Judging!.Pair!);
    }

    private static async Task<IReadOnlyList<PromptHistory>> HistoriesAsync(LogReader log, int iteration, string name = Name)
    {
        var histories = new List<PromptHistory>();
        await foreach (var history in log.Runs.ReadIterationAsync(name, iteration, CancellationToken.None))
            histories.Add(history);
        return histories;
    }

    private async Task<JsonObject> LineageAsync(string id)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync("lineage", id, "--json", "--data", run.Folder);
        code.ShouldBe(0, errors);
        return JsonNode.Parse(output)!.AsObject();
    }

    private static IEnumerable<JsonNode> All(JsonNode node) => node["children"]!.AsArray().SelectMany(child => All(child!)).Prepend(node);

    private static string Kind(JsonNode node) => node["kind"]!.GetValue<string>();
}
