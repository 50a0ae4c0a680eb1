using System.Net;
using System.Net.Http.Headers;
using SelfRewarding.Control;
using SelfRewarding.Control.Http;
using Shouldly;
using Xunit;

namespace SelfRewarding.Dashboard.Tests;

/// <summary>Who may ask, and what a browser may do with the answers.</summary>
public sealed class SecurityTests(RecordedData data)
{
    private const string Token = "3f0d-a-secret-for-tests-77";

    [Theory]
    [InlineData("http://0.0.0.0:8080")]
    [InlineData("http://*:8080")]
    [InlineData("http://[::]:8080")]
    [InlineData("http://192.168.1.7:8080")]
    [InlineData("http://127.0.0.1:8080;http://server.example:8080")]
    public void Beyond_this_machine_it_asks_for_a_token(string urls)
    {
        Should.Throw<UserException>(() => ServeOptions.From(urls, null)).Message.ShouldContain("can be reached from other machines and SELFREWARD_TOKEN is not set");
        ServeOptions.From(urls, Token).Hosts.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080")]
    [InlineData("http://localhost:8080; http://[::1]:8080")]
    public void On_this_machine_it_needs_none(string urls) => ServeOptions.From(urls, null).Hosts.ShouldContain("localhost");

    [Theory]
    [InlineData("", null, "--urls is empty")]
    [InlineData("127.0.0.1:8080", null, "is no address to listen on, expected http://HOST:PORT")]
    [InlineData("https://127.0.0.1:8080", null, "is no address to listen on")]
    [InlineData("http://127.0.0.1:8080/path", null, "is no address to listen on")]
    [InlineData("http://0.0.0.0:8080", "short", "SELFREWARD_TOKEN has 5 characters, expected at least 16")]
    public void A_wrong_address_or_token_is_one_sentence(string urls, string? token, string sentence) =>
        Should.Throw<UserException>(() => ServeOptions.From(urls, token)).Message.ShouldContain(sentence);

    [Fact]
    public async Task Without_the_token_nothing_of_the_log_is_told()
    {
        await using var server = await data.ServeAsync("http://0.0.0.0:0", Token);
        using var client = server.Client();
        foreach (var path in (string[])["/api/runs", "/api/runs/kata-7", "/api/lineage/kata-7/1/0", "/api/runs/kata-7/events", "/app.js", "/index.html", "/nothing"])
        {
            using var without = await client.GetAsync(path);
            (await without.ProblemAsync(HttpStatusCode.Unauthorized)).ShouldContain("This needs the token");
            without.Headers.WwwAuthenticate.ShouldHaveSingleItem().Scheme.ShouldBe("Bearer");
        }

        (await StatusAsync(client, "Bearer", "wrong-wrong-wrong-wrong")).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync(client, "Bearer", Token[..^1])).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync(client, "Basic", Token)).ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync(client, "Bearer", Token)).ShouldBe(HttpStatusCode.OK);
        using var health = await client.GetAsync("/health/live");
        health.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_login_form_gives_a_cookie_that_is_no_token_and_ends_with_the_server()
    {
        string cookie;
        await using (var server = await data.ServeAsync("http://127.0.0.1:0", Token))
        {
            using var client = server.Client();
            using var start = await client.GetAsync("/");
            start.Headers.Location!.OriginalString.ShouldBe("/login");
            using var wrong = await LogInAsync(client, "wrong-wrong-wrong-wrong");
            wrong.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            wrong.Headers.Contains("Set-Cookie").ShouldBeFalse();
            (await wrong.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldContain("That is not the token.");

            using var right = await LogInAsync(client, Token);
            right.Headers.Location!.OriginalString.ShouldBe("/");
            var set = right.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem();
            set.ShouldNotContain(Token);
            set.ShouldContain("httponly", Case.Insensitive);
            set.ShouldContain("samesite=strict", Case.Insensitive);
            cookie = set.Split(';')[0];
            (await StatusWithCookieAsync(client, cookie)).ShouldBe(HttpStatusCode.OK);
            (await StatusWithCookieAsync(client, cookie[..^1] + "x")).ShouldBe(HttpStatusCode.Unauthorized);
        }

        await using var another = await data.ServeAsync("http://127.0.0.1:0", Token);
        using var later = another.Client();
        (await StatusWithCookieAsync(later, cookie)).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Guesses_of_the_token_are_few()
    {
        await using var server = await data.ServeAsync("http://127.0.0.1:0", Token);
        using var client = server.Client();
        for (var i = 0; i < 10; i++)
        {
            using var wrong = await LogInAsync(client, $"wrong-wrong-wrong-{i}");
            wrong.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        using var right = await LogInAsync(client, Token);
        (await right.ProblemAsync(HttpStatusCode.TooManyRequests)).ShouldContain("too many requests");
    }

    [Fact]
    public async Task Too_large_requests_are_refused()
    {
        await using var server = await data.ServeAsync("http://127.0.0.1:0", Token);
        using var client = server.Client();
        using var body = await LogInAsync(client, new string('x', 20_000));
        await body.ProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        using var line = await client.GetAsync($"/api/runs/{new string('x', 5_000)}");
        line.StatusCode.ShouldBe(HttpStatusCode.RequestUriTooLong);
    }

    [Theory]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("127.0.0.1", HttpStatusCode.OK)]
    [InlineData("[::1]", HttpStatusCode.OK)]
    [InlineData("attacker.example", HttpStatusCode.BadRequest)]
    [InlineData("127.0.0.1.attacker.example", HttpStatusCode.BadRequest)]
    public async Task A_name_that_is_pointed_to_this_machine_is_not_ours(string host, HttpStatusCode status)
    {
        await using var server = await data.ServeAsync();
        using var client = server.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/runs");
        request.Headers.Host = $"{host}:{client.BaseAddress!.Port}";
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        if (status == HttpStatusCode.OK)
            response.StatusCode.ShouldBe(status);
        else
            (await response.ProblemAsync(status)).ShouldContain("does not name this server in its Host header, expected one of: localhost, 127.0.0.1, [::1]");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/app.js")]
    [InlineData("/api/runs")]
    [InlineData("/api/runs/nothing")]
    [InlineData("/nothing")]
    public async Task Every_answer_forbids_what_no_answer_needs(string path)
    {
        await using var server = await data.ServeAsync();
        using var client = server.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Origin", "http://attacker.example" } } };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var policy = response.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
        policy.ShouldStartWith("default-src 'none'; script-src 'self';");
        policy.ShouldNotContain("unsafe");
        response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        response.Headers.GetValues("X-Frame-Options").ShouldBe(["DENY"]);
        response.Headers.GetValues("Cross-Origin-Resource-Policy").ShouldBe(["same-origin"]);
        response.Headers.CacheControl.ShouldNotBeNull();
        response.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
        response.Headers.Contains("Server").ShouldBeFalse();
    }

    private static async Task<HttpResponseMessage> LogInAsync(HttpClient client, string token)
    {
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("token", token)]);
        return await client.PostAsync("/login", form);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string scheme, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/runs") { Headers = { Authorization = new AuthenticationHeaderValue(scheme, token) } };
        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<HttpStatusCode> StatusWithCookieAsync(HttpClient client, string cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/runs") { Headers = { { "Cookie", cookie } } };
        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }
}
