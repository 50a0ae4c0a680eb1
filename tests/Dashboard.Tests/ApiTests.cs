using System.Net;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Http;
using SelfRewarding.Pipeline.Tests;
using Shouldly;
using Xunit;

namespace SelfRewarding.Dashboard.Tests;

/// <summary>The API over a recorded run on a real PostgreSQL.</summary>
public sealed class ApiTests(RecordedData data) : IAsyncLifetime
{
    private DashboardServer _server = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await data.ServeAsync();
        _client = _server.Client();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task The_runs_are_those_of_the_log_each_fork_with_its_parent()
    {
        var listing = await _client.JsonAsync("/api/runs");
        listing["behind"].ShouldBeNull();
        var runs = listing["runs"]!.AsArray();
        var whole = runs.Single(run => Text(run!["run"]) == RecordedData.Run)!;
        Text(whole["state"]).ShouldBe("completed with M3");
        Text(whole["seed"]).ShouldBe("7");
        Text(runs.Single(run => Text(run!["run"]) == RecordedData.Fork)!["parent"]).ShouldBe(RecordedData.Run);
    }

    [Fact]
    public async Task A_run_has_its_rows_and_the_figures_of_the_final_table()
    {
        var report = await _client.JsonAsync($"/api/runs/{RecordedData.Run}");
        Text(report["run"]!["state"]).ShouldBe("completed with M3");
        report["is_finished"]!.GetValue<bool>().ShouldBeTrue();
        report["models"]!.AsArray().Select(model => Text(model!["model"])).ShouldBe(["M0", "SFT", "M1", "M2", "M3"]);
        report["models"]![4]!["exact_match_sampled"]!.GetValue<double>().ShouldBe(0.941);
        report["contests"]!.AsArray().Count.ShouldBe(6);
        report["progress"]!.AsArray().Select(row => row!["settled"]!.GetValue<int>()).ShouldBe([4, 4]);
        report["drift"]![0]!["score_5"]!.GetValue<int>().ShouldBe(3);
        report["discards"]!.AsArray().Where(row => row!["iteration"]!.GetValue<int>() == 1).Select(row => Text(row!["reason"])).ShouldBe(["no acceptable draft", "unparsable", "tie"]);
        report["loop"]!.AsArray().Select(model => Text(model!["state"])).Last().ShouldBe("exact match 94.1 %, judges 93.5 % right");
        report["gains"]!.AsArray().Select(Text).First().ShouldStartWith("M2 against M1: +3.0 points of exact match, sampled");
        var row = report["table"]!["rows"]!.AsArray().Single(row => Text(row!["label"]) == "exact match, sampled %")!;
        row["cells"]!.AsArray().Select(Text).ShouldBe(["0.1", "55.1", "88.1", "91.1", "94.1"]);
    }

    [Fact]
    public async Task A_training_has_each_step_once_also_where_it_went_back_after_a_crash()
    {
        await data.AppendAsync(new RunStarted("back", SummaryExample.Settings, []));
        await data.AppendAsync(SummaryExample.Training("M2", "dpo", 4).Concat(SummaryExample.Training("M2", "dpo", 6).Skip(3)).Select(fact => RecordedRuns.Rename(fact, "back")));

        var curve = await _client.JsonAsync("/api/runs/back/training/M2");
        curve["planned"]!.GetValue<int>().ShouldBe(4);
        curve["steps"]!.AsArray().Select(step => step!["step"]!.GetValue<int>()).ShouldBe([1, 2, 3, 4, 5, 6]);
        curve["steps"]![5]!["preference"]!["rewards_margins"]!.GetValue<double>().ShouldBe(1.2, 1e-9);
        (await _client.JsonAsync("/api/runs/back/training/M2?after=4"))["steps"]!.AsArray().Count.ShouldBe(2);
        (await _client.JsonAsync("/api/runs/back/training/M3"))["steps"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Prompts_come_a_page_at_a_time()
    {
        var first = await _client.JsonAsync($"/api/runs/{RecordedData.Run}/prompts?iteration=2&limit=3");
        first["items"]!.AsArray().Select(item => Text(item!["id"])).ShouldBe([$"{RecordedData.Run}/2/0", $"{RecordedData.Run}/2/1", $"{RecordedData.Run}/2/2"]);
        first["next"]!.GetValue<int>().ShouldBe(2);
        first["items"]![0]!["chosen_score"]!.GetValue<double>().ShouldBe(5);
        Text(first["items"]![1]!["discarded"]).ShouldBe("tie");

        var last = await _client.JsonAsync($"/api/runs/{RecordedData.Run}/prompts?iteration=2&limit=3&after=2");
        last["next"].ShouldBeNull();
        var item = last["items"]!.AsArray().ShouldHaveSingleItem()!;
        Text(item["discarded"]).ShouldBe("no acceptable draft");
        item["stage"]!.GetValue<int>().ShouldBe(PromptStage.Settled);
        item["refused"]!.GetValue<int>().ShouldBe(2);
    }

    [Fact]
    public async Task Pairs_have_their_texts_and_scores_also_those_that_a_fork_shares()
    {
        foreach (var run in (string[])[RecordedData.Run, RecordedData.Fork])
        {
            var pair = (await _client.JsonAsync($"/api/runs/{run}/pairs?iteration=1"))["items"]!.AsArray().ShouldHaveSingleItem()!;
            Text(pair["id"]).ShouldBe($"{run}/1/0");
            (Text(pair["prompt"]), Text(pair["chosen"]), Text(pair["rejected"])).ShouldBe(("reverse: ab0", "0ba", "ab0"));
            pair["score_chosen"]!.GetValue<double>().ShouldBe(5);
        }
    }

    [Fact]
    public async Task Pairs_of_judgements_are_among_the_pairs_also_of_a_prompt_whose_answers_made_none()
    {
        await data.AppendAsync(SummaryExample.Judging().Select(fact => RecordedRuns.Rename(fact, "judging")));

        var pairs = (await _client.JsonAsync("/api/runs/judging/pairs?iteration=1&limit=1"))["items"]!.AsArray();
        pairs.Select(pair => (Text(pair!["id"]), Text(pair["kind"]))).ShouldBe([("judging/1/0", "answers"), ("judging/1/0/judging", "judgements")]);
        var pair = (await _client.JsonAsync("/api/runs/judging/pairs?iteration=1&after=0"))["items"]!.AsArray().ShouldHaveSingleItem()!;
        (Text(pair["id"]), Text(pair["kind"]), Text(pair["prompt"]), Text(pair["response"])).ShouldBe(("judging/1/1/judging", "judgements", "reverse: ab1", "0ba"));
        (Text(pair["chosen"]), Text(pair["rejected"]), pair["score_chosen"]!.GetValue<double>(), pair["chosen_judgement"]!.GetValue<int>(), pair["chosen_answer"]!.GetValue<int>()).ShouldBe(("good", "bad", 1.5, 2, 1));

        var prompts = (await _client.JsonAsync("/api/runs/judging/prompts?iteration=1"))["items"]!.AsArray();
        prompts.Select(prompt => (Text(prompt!["discarded"]), prompt["judging_pair"]?.GetValue<bool>())).ShouldBe([(null, true), ("tie", true), ("unparsable", false), ("no acceptable draft", null)]);
        (await _client.JsonAsync("/api/runs/judging"))["progress"]![0]!["judging_pairs"]!.GetValue<int>().ShouldBe(2);
        (await _client.JsonAsync($"/api/runs/{RecordedData.Run}"))["progress"]![0]!["judging_pairs"].ShouldBeNull();
    }

    [Theory]
    [InlineData("kata-7/1/0")]
    [InlineData("kata-7/1/0/c1/j0")]
    [InlineData("kata-7/M2/step/3")]
    [InlineData("kata-7-fork-1/M2")]
    public async Task A_lineage_is_the_tree_that_the_command_prints(string id)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync("lineage", id, "--json", "--data", data.Folder);
        code.ShouldBe(0, errors);
        JsonNode.DeepEquals(await _client.JsonAsync($"/api/lineage/{id}"), JsonNode.Parse(output)).ShouldBeTrue(output);
    }

    [Theory]
    [InlineData("/api/runs/kata-8", HttpStatusCode.NotFound, "The log has no run 'kata-8'")]
    [InlineData("/api/runs/kata-8/events", HttpStatusCode.NotFound, "The log has no run 'kata-8'")]
    [InlineData("/api/runs/kata-7/prompts?iteration=3", HttpStatusCode.NotFound, "Run 'kata-7' has no iteration 3, expected 1 to 2.")]
    [InlineData("/api/runs/kata-7/prompts?iteration=one", HttpStatusCode.BadRequest, "iteration is 'one', expected 1 to 2147483647.")]
    [InlineData("/api/runs/kata-7/pairs?limit=100000", HttpStatusCode.BadRequest, "limit is '100000', expected 1 to 200.")]
    [InlineData("/api/runs/kata-7/events?after=-3", HttpStatusCode.BadRequest, "after is '-3', expected 0 or more.")]
    [InlineData("/api/runs/kata-7/training/M9", HttpStatusCode.NotFound, "Run 'kata-7' has no model M9, expected one of M0, SFT, M1, M2, M3.")]
    [InlineData("/api/lineage/kata-7/1/999", HttpStatusCode.NotFound, "Iteration 1 of run 'kata-7' has no prompt 999, expected 0 to 3.")]
    [InlineData("/api/lineage/kata-7/what", HttpStatusCode.NotFound, "'kata-7/what' is no id, expected RUN/1/17")]
    [InlineData("/api/nothing", HttpStatusCode.NotFound, "There is nothing at this address: /api/runs lists the runs.")]
    public async Task What_cannot_be_answered_is_answered_with_a_sentence(string path, HttpStatusCode status, string sentence)
    {
        using var response = await _client.GetAsync(path);
        (await response.ProblemAsync(status)).ShouldStartWith(sentence);
    }

    [Fact]
    public async Task It_only_reads()
    {
        using var response = await _client.PostAsync("/api/runs", new StringContent("{}"));
        (await response.ProblemAsync(HttpStatusCode.MethodNotAllowed)).ShouldStartWith("POST is not for this address");
    }

    private static string? Text(JsonNode? node) => node?.GetValue<string>();
}
