using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

public sealed class ServerCheckTests
{
    private static readonly ServerSettings s_sound = new() { Url = "http://127.0.0.1:8000/v1", Model = "m", ApiKeyVariable = "LAB_API_KEY" };

    private static IReadOnlyList<string> ProblemsOf(ServerSettings judgements, ServerSettings? candidates = null) =>
        SettingsCheck.Problems(new RunSettings { Engines = new() { Judgements = judgements, Candidates = candidates ?? new() } });

    [Fact]
    public void A_server_with_an_address_and_a_model_is_sound() => ProblemsOf(s_sound, s_sound with { ApiKeyVariable = null }).ShouldBeEmpty();

    [Theory]
    [InlineData("127.0.0.1:8000")]
    [InlineData("ftp://127.0.0.1/v1")]
    [InlineData("http://me:hunter2@127.0.0.1/v1")]
    [InlineData("http://127.0.0.1/v1?key=hunter2")]
    [InlineData("v1")]
    public void An_address_is_http_and_holds_no_secret(string url)
    {
        var problem = ProblemsOf(s_sound with { Url = url }).ShouldHaveSingleItem();
        problem.ShouldStartWith("engines.judgements.url is no server's address, expected http or https");
        problem.ShouldNotContain("hunter2");
    }

    [Fact]
    public void Address_and_model_go_together()
    {
        ProblemsOf(s_sound with { Model = " " }).ShouldBe(["engines.judgements.model is not set, expected the model's name on the server."]);
        ProblemsOf(s_sound with { Url = null }).ShouldHaveSingleItem().ShouldStartWith("engines.judgements.model is given without engines.judgements.url");
    }

    [Theory]
    [InlineData("sk-2f9c0ffee")]
    [InlineData("SELFREWARD_POSTGRES")]
    [InlineData("SELFREWARD_TOKEN")]
    [InlineData("PATH")]
    public void A_variable_that_holds_another_secret_cannot_be_named_and_a_key_is_not_repeated(string variable)
    {
        var problem = ProblemsOf(s_sound with { ApiKeyVariable = variable }).ShouldHaveSingleItem();
        problem.ShouldContain("ends with API_KEY");
        problem.ShouldNotContain(variable);
    }

    [Fact]
    public void One_server_has_one_limit() =>
        ProblemsOf(s_sound with { Url = s_sound.Url + "/", Concurrency = 4 }, s_sound)
            .ShouldBe(["engines.judgements.concurrency is 4, but engines.candidates of the same server has 8: a server has one limit."]);

    [Fact]
    public void Prompts_come_from_a_file_or_from_a_server() =>
        SettingsCheck.Problems(new RunSettings { Prompts = new() { Source = "prompts.jsonl" }, Engines = new() { Prompts = s_sound } })
            .ShouldHaveSingleItem().ShouldStartWith("engines.prompts.url is given, but prompts.source");

    [Fact]
    public void Figures_have_ranges() =>
        ProblemsOf(s_sound with { Concurrency = 0, Timeout = 0, Retries = -1 }).ShouldBe(
            ["engines.judgements.concurrency is 0, expected 1 to 1024.", "engines.judgements.timeout is 0, expected 0.001 to 1500.", "engines.judgements.retries is -1, expected 0 to 100."], ignoreOrder: true);
}
