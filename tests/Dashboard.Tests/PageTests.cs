using Microsoft.Playwright;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Http;
using SelfRewarding.Pipeline.Tests;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace SelfRewarding.Dashboard.Tests;

/// <summary>The page in a real browser, over a real log.</summary>
public sealed class PageTests(RecordedData data, Chromium chromium) : IAsyncLifetime
{
    private DashboardServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await data.ServeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_opens_with_the_runs_forks_under_their_parents_and_asks_nobody_else()
    {
        await using var opened = await OpenAsync("");
        var page = opened.Page;
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Runs");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = $"{RecordedData.Run} completed with M3" })).ToBeVisibleAsync();
        var forks = page.GetByRole(AriaRole.List, new() { Name = $"Forks of {RecordedData.Run}" });
        await Expect(forks.GetByRole(AriaRole.Link)).ToContainTextAsync($"{RecordedData.Fork}");
        opened.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_run_shows_its_loop_its_table_its_curves_and_its_drift()
    {
        await using var opened = await OpenAsync($"#/runs/{RecordedData.Run}");
        var page = opened.Page;
        await Expect(page.Locator(".loop .step h3")).ToHaveTextAsync(["M0", "SFT", "M1", "Iteration 1", "M2", "Iteration 2", "M3"]);
        await Expect(page.Locator(".loop .step.done")).ToHaveCountAsync(7);
        var table = page.GetByRole(AriaRole.Region, new() { Name = "Figures of every model" });
        await Expect(table.Locator("thead th")).ToHaveTextAsync(["Figure", "M0", "SFT", "M1", "M2", "M3"]);
        await Expect(table.GetByRole(AriaRole.Row, new() { Name = "exact match, sampled %" }).GetByRole(AriaRole.Cell)).ToHaveTextAsync(["0.1", "55.1", "88.1", "91.1", "94.1"]);
        foreach (var curve in (string[])["Loss, supervised: SFT from 1 to 0.3333, M1 from 1 to 0.3333", "Loss on preferences: M2 from 1 to 0.08333", "rewards/margins: M2 from 0.2 to 2.4", "What each model gets right"])
            await Expect(page.GetByRole(AriaRole.Img, new() { Name = curve })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "score 5: 3" }).First).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Drift, iteration 1" })).ToContainTextAsync("unparsable judgements %16.7");
        await Expect(page.GetByText("M3 against M1: +6.0 points of exact match")).ToBeVisibleAsync();
        opened.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_comes_to_the_log_comes_to_the_page_and_leaves_open_what_is_open()
    {
        var facts = RecordedRuns.Named("live-page").ToList();
        var iteration = facts.FindIndex(fact => fact is PromptGenerated);
        await data.AppendAsync(facts.Take(iteration));
        await using var opened = await OpenAsync("#/runs/live-page");
        var page = opened.Page;
        await Expect(page.Locator("#live")).ToHaveTextAsync("live");
        await page.GetByText("Where the time went").ClickAsync();
        await Expect(page.GetByText("training M1:")).ToBeVisibleAsync();

        await data.AppendAsync(facts.Skip(iteration).Take(4));
        var step = page.Locator(".step.going").Filter(new() { HasText = "Iteration 1" });
        await Expect(step).ToContainTextAsync("prompts2/4");
        await Expect(step).ToContainTextAsync("judged1/4");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "1/1" })).ToBeVisibleAsync();

        await data.AppendAsync(facts.Skip(iteration + 4));
        await Expect(page.GetByText("completed with M3")).ToBeVisibleAsync();
        await Expect(page.GetByText("training M1:")).ToBeVisibleAsync();
        await Expect(page.Locator(".loop .step.done")).ToHaveCountAsync(7);
        opened.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task One_walks_from_a_prompt_through_answers_and_judgements_to_the_model_and_back()
    {
        await using var opened = await OpenAsync($"#/runs/{RecordedData.Run}");
        var page = opened.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "1/0", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Prompt kata-7/1/0");
        await Expect(page.Locator("pre").First).ToHaveTextAsync("reverse: ab0");
        await Expect(page.Locator(".is-answer")).ToHaveCountAsync(2);
        await Expect(page.Locator(".is-judgement pre").First).ToHaveTextAsync("5");
        await Expect(page.Locator(".is-trained")).ToContainTextAsync("steps that saw the pair12");

        await page.GetByRole(AriaRole.Link, new() { Name = "kata-7/M2/step/3", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Step kata-7/M2/step/3");
        await page.GetByRole(AriaRole.Link, new() { Name = "M2", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Model kata-7/M2");
        await page.GetByRole(AriaRole.Link, new() { Name = "kata-7/1/0", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Prompt kata-7/1/0");
        await page.GoBackAsync();
        await Expect(page).ToHaveTitleAsync("Lineage of kata-7/M2 · SelfRewarding");
        opened.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_model_wrote_stays_text()
    {
        const string Evil = "<script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 1\"><a href=\"javascript:window.hacked = 1\">x</a>";
        var (prompt, judge) = (SummaryExample.Ref("M1"), SummaryExample.Ref("M1"));
        await data.AppendAsync(
            new RunStarted("untrusted", SummaryExample.Settings, []),
            new PromptGenerated("untrusted", 1, 0, prompt, $"{Evil} prompt", "model", [$"{Evil} example"], [new RejectedDraft(0, $"{Evil} draft", "rouge_l", 1, Evil)]),
            new CandidatesSampled("untrusted", 1, 0, prompt, [new Candidate(0, $"{Evil} answer", [1], Finish.Stop, -1), new Candidate(1, "b", [1], Finish.Stop, -1)]),
            new CandidatesJudged("untrusted", 1, 0, judge, [new Judgement(0, 0, $"{Evil} judgement", null, Evil, 1, Finish.Stop, -1)]),
            new PromptDiscarded("untrusted", 1, 0, DiscardReason.Unparsable, $"{Evil} detail", [], []));

        await using var opened = await OpenAsync("#/runs/untrusted");
        var page = opened.Page;
        await Expect(page.Locator(".texts .text").First).ToHaveTextAsync($"{Evil} prompt");
        await Expect(page.Locator(".texts .text").Last).ToHaveTextAsync($"unparsable: {Evil} detail");
        await page.GetByRole(AriaRole.Link, new() { Name = "1/0", Exact = true }).ClickAsync();
        foreach (var text in (string[])["prompt", "example", "draft", "answer", "judgement", "detail"])
            await Expect(page.Locator("pre").Filter(new() { HasText = $"{Evil} {text}" })).ToHaveCountAsync(1);

        (await page.EvaluateAsync<bool>("() => 'hacked' in window")).ShouldBeFalse();
        await Expect(page.Locator("main img, main script, main [onerror], main a[href^=javascript]")).ToHaveCountAsync(0);
        opened.Complaints.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("#/runs/kata-7")]
    [InlineData("#/lineage/kata-7/1/0")]
    public async Task It_fits_a_phone(string address)
    {
        await using var opened = await OpenAsync(address, new() { ViewportSize = new() { Width = 340, Height = 700 }, ColorScheme = ColorScheme.Dark, HasTouch = true, IsMobile = true });
        await Expect(opened.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
        (await opened.Page.EvaluateAsync<int>("() => document.scrollingElement.scrollWidth")).ShouldBeLessThanOrEqualTo(340);
    }

    [Fact]
    public async Task It_is_walked_with_the_keyboard_alone()
    {
        await using var opened = await OpenAsync("");
        var page = opened.Page;
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Runs");
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByText("Skip to the content")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Main)).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator(".runs > li > a").First).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("h2").First).ToHaveTextAsync("The loop");
        await Expect(page.GetByRole(AriaRole.Main)).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Where_there_is_nothing_it_says_what_there_is()
    {
        await using var opened = await OpenAsync("#/runs/nothing");
        await Expect(opened.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The log has no run 'nothing'");
        await opened.Page.GetByRole(AriaRole.Link, new() { Name = "All runs" }).ClickAsync();
        await Expect(opened.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Runs");
    }

    [Fact]
    public async Task With_a_token_the_form_comes_first_and_a_wrong_one_does_not_let_in()
    {
        const string Token = "3f0d-a-secret-for-tests-78";
        await using var server = await data.ServeAsync("http://0.0.0.0:0", Token);
        await using var opened = await chromium.OpenAsync(server.Local());
        var page = opened.Page;
        await page.GetByLabel("Token").FillAsync("wrong-wrong-wrong-wrong");
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("That is not the token.");
        await page.GetByLabel("Token").FillAsync(Token);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Runs");
        await page.GotoAsync($"{server.Local()}/#/runs/{RecordedData.Run}");
        await Expect(page.GetByText("completed with M3").First).ToBeVisibleAsync();
        (await page.EvaluateAsync<string>("() => document.cookie")).ShouldBeEmpty("scripts cannot read it");

        var cookie = (await page.Context.CookiesAsync()).ShouldHaveSingleItem();
        await page.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await Expect(page.GetByLabel("Token")).ToBeFocusedAsync();
        // What the browser has forgotten, the server has forgotten, too.
        await page.Context.AddCookiesAsync([new() { Name = cookie.Name, Value = cookie.Value, Url = server.Local() }]);
        (await page.Context.APIRequest.GetAsync($"{server.Local()}/api/runs")).Status.ShouldBe(401);
    }

    private Task<WatchedPage> OpenAsync(string address, BrowserNewContextOptions? options = null) => chromium.OpenAsync($"{_server.Local()}/{address}", options);
}
