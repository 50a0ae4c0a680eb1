using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A stage that is handed to a server, over real HTTP to one that speaks the protocol, well or badly.</summary>
public sealed class ServerTextGeneratorTests : IAsyncLifetime
{
    private const string Key = "sk-not-for-anybody";

    private static readonly ModelRef s_model = new("M1", "runs/r/models/M1", "00");
    private static readonly SamplingSettings s_sampling = new() { Temperature = 0.7, TopP = 0.9, MaxNewTokens = 40 };
    private static readonly ulong[] s_keys = [.. Enumerable.Range(0, 4).Select(index => DrawKey.For(1, DrawPurpose.Candidate, 1, 0, index))];

    private readonly RecordedPauses _clock = new();
    private ProtocolServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ProtocolServer.StartAsync(asked => $"{asked.Prompt} {asked.Seed}");

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Each_key_gets_a_text_of_its_own_in_the_order_of_the_keys()
    {
        var texts = await AskAsync(Settings());
        texts.Select(text => text.Text).ShouldBe(s_keys.Select(key => $"Why? {key >> 33}"));
        foreach (var text in texts)
        {
            (text.Tokens.Count, text.Finish, text.LogProb, text.TokenCount).ShouldBe((0, Finish.Stop, null, 2));
            var served = text.Server.ShouldNotBeNull();
            served.Models.ShouldBe([ProtocolServer.Model]);
            (served.Url, served.Requests, served.InputTokens, served.OutputTokens).ShouldBe((_server.Url, 1, 11L, 2L));
        }

        var asked = _server.Requests[0];
        asked.Path.ShouldBe("/v1/chat/completions");
        asked.Authorization.ShouldBeNull();
        asked.Body.Select(property => property.Key).ShouldBe(["model", "messages", "temperature", "top_p", "max_tokens", "seed"]);
        (asked.Body["model"]!.GetValue<string>(), asked.Body["max_tokens"]!.GetValue<int>(), asked.Body["top_p"]!.GetValue<double>()).ShouldBe(("lab-7b", 40, 0.9));
        _clock.Pauses.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_is_sent_as_a_bearer_s_and_settings_say_what_else_is_asked()
    {
        await AskAsync(Settings() with { ApiKeyVariable = "LAB_API_KEY", SendSeed = false, Logprobs = true }, sampling: s_sampling with { TopK = 40 });
        var asked = _server.Requests[0];
        asked.Authorization.ShouldBe($"Bearer {Key}");
        asked.Body["seed"].ShouldBeNull();
        asked.Body["logprobs"]!.GetValue<bool>().ShouldBeTrue();
        asked.Body["top_k"]!.GetValue<int>().ShouldBe(40);
    }

    public static TheoryData<string, string> Passing => new()
    {
        { "429", "429" }, { "500", "500" }, { "502", "502" }, { "503", "503" }, { "garbage", "garbage" }, { "page", "garbage" }, { "empty", "garbage" }, { "broken off", "broken_off" },
        { "hung up", "broken_off" }, { "no choice", "garbage" }, { "no finish", "garbage" }, { "unknown finish", "garbage" }, { "half a pair", "garbage" }, { "negative tokens", "garbage" },
        { "another kind", "garbage" },
    };

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task What_passes_is_asked_again_until_it_has_passed(string misdeed, string kind)
    {
        _server.Misdeeds.Enqueue(Misdeed(misdeed));
        _server.Misdeeds.Enqueue(Misdeed(misdeed));
        using var spans = new ChatSpans(s_model.Name + misdeed);
        var text = (await AskAsync(Settings() with { Model = s_model.Name + misdeed }, keys: s_keys[..1])).Single();
        text.Text.ShouldStartWith("Why? ");
        _server.Requests.Count.ShouldBe(3);
        _server.Requests.Select(asked => asked.Seed).Distinct().Count().ShouldBe(1);
        _clock.Pauses.Count.ShouldBe(2);
        _clock.Pauses.ShouldAllBe(pause => pause < TimeSpan.FromMinutes(1));
        var span = spans.Single();
        span.Events.Select(retry => (string)retry.Tags.Single(tag => tag.Key == "error.type").Value!).ShouldBe([kind, kind]);
        span.GetTagItem("http.request.resend_count").ShouldBe(2);
    }

    [Theory]
    [InlineData(nameof(ProtocolServer.Hang))]
    [InlineData(nameof(ProtocolServer.HangInMidAnswer))]
    public async Task An_answer_that_does_not_come_in_time_is_asked_for_again(string misdeed)
    {
        _server.Misdeeds.Enqueue(misdeed == nameof(ProtocolServer.Hang) ? ProtocolServer.Hang : ProtocolServer.HangInMidAnswer);
        var failure = await Should.ThrowAsync<ServerUnavailableException>(() => AskAsync(Settings() with { Timeout = 0.05, Retries = 0 }, keys: s_keys[..1]));
        failure.Kind.ShouldBe("timeout");
        failure.Message.ShouldStartWith($"engines.candidates: the server at {_server.Url} gave no whole answer within 0.05 s (engines.candidates.timeout)");

        _server.Misdeeds.Enqueue(ProtocolServer.Hang);
        (await AskAsync(Settings() with { Timeout = 2 }, keys: s_keys[..1])).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Retry_After_says_how_long_the_pause_is()
    {
        _server.Misdeeds.Enqueue(ProtocolServer.Status(429, ProtocolServer.Error("too many"), retryAfter: "7"));
        _server.Misdeeds.Enqueue(ProtocolServer.Status(503, retryAfter: DateTimeOffset.UtcNow.AddSeconds(200).ToString("R", CultureInfo.InvariantCulture)));
        await AskAsync(Settings(), keys: s_keys[..1]);
        _clock.Pauses.Count.ShouldBe(2);
        _clock.Pauses[0].ShouldBe(TimeSpan.FromSeconds(7));
        _clock.Pauses[1].ShouldBeInRange(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(200));
    }

    [Fact]
    public async Task A_pause_that_no_work_can_wait_for_is_a_refusal()
    {
        _server.Misdeeds.Enqueue(ProtocolServer.Status(429, ProtocolServer.Error("quota"), retryAfter: "86400"));
        (await Should.ThrowAsync<ServerRefusedException>(() => AskAsync(Settings(), keys: s_keys[..1]))).Message.ShouldContain("asks to be left alone for 86400 s");
        _server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Pauses_grow_and_a_server_that_stays_away_is_given_up_with_a_sentence()
    {
        for (var i = 0; i < 7; i++)
            _server.Misdeeds.Enqueue(ProtocolServer.Status(503, "<html>\n <b>upstream</b> away</html>"));
        var failure = await Should.ThrowAsync<ServerUnavailableException>(() => AskAsync(Settings() with { Retries = 6 }, keys: s_keys[..1]));
        failure.Message.ShouldBe(
            $"engines.candidates: the server at {_server.Url} answered 503 ServiceUnavailable (\"<html> <b>upstream</b> away</html>\"), for the last of 7 times. " +
            "Look whether it is well and the address right; nothing is lost, what is missing is asked again.");
        Transient.Passes(failure).ShouldBeTrue();
        _server.Requests.Count.ShouldBe(7);
        _clock.Pauses.Count.ShouldBe(6);
        _clock.Pauses.TakeLast(3).Sum(pause => pause.TotalSeconds).ShouldBeGreaterThan(_clock.Pauses.Take(3).Sum(pause => pause.TotalSeconds));
    }

    [Theory]
    [InlineData(401, "answered 401 Unauthorized (\"Wrong key ***.\"): put a key that it takes into LAB_API_KEY (engines.candidates.api_key_variable)")]
    [InlineData(403, "answered 403 Forbidden (\"Wrong key ***.\"): put a key that it takes into LAB_API_KEY")]
    [InlineData(404, "answered 404 NotFound (\"Wrong key ***.\"): look at engines.candidates.url (where its API begins, often with /v1 at the end) and engines.candidates.model ('lab-7b').")]
    [InlineData(400, "answered 400 BadRequest (\"Wrong key ***.\"): look at engines.candidates.model ('lab-7b')")]
    [InlineData(422, "answered 422 UnprocessableEntity")]
    public async Task What_does_not_pass_is_said_in_one_sentence_without_the_key_and_not_asked_again(int status, string sentence)
    {
        _server.Misdeeds.Enqueue(ProtocolServer.Status(status, ProtocolServer.Error($"Wrong key\n {Key}.")));
        var failure = await Should.ThrowAsync<ServerRefusedException>(() => AskAsync(Settings() with { ApiKeyVariable = "LAB_API_KEY" }, keys: s_keys[..1]));
        failure.Message.ShouldStartWith($"engines.candidates: the server at {_server.Url} {sentence}");
        failure.Message.ShouldNotContain(Key);
        failure.Message.ShouldNotContain("\n");
        Transient.Passes(failure).ShouldBeFalse();
        _server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_wants_a_key_which_nobody_named_says_so()
    {
        _server.Misdeeds.Enqueue(ProtocolServer.Status(401));
        (await Should.ThrowAsync<ServerRefusedException>(() => AskAsync(Settings(), keys: s_keys[..1]))).Message
            .ShouldContain("it wants a key; name the environment variable that holds it (engines.candidates.api_key_variable)");
    }

    [Fact]
    public async Task A_failure_of_one_text_ends_the_others()
    {
        for (var i = 0; i < s_keys.Length - 1; i++)
            _server.Misdeeds.Enqueue(ProtocolServer.Hang);
        _server.Misdeeds.Enqueue(ProtocolServer.Status(404));
        await Should.ThrowAsync<ServerRefusedException>(() => AskAsync(Settings()));
    }

    [Fact]
    public void A_key_that_is_not_in_the_environment_is_missed_before_anything_is_sent()
    {
        Should.Throw<ServerRefusedException>(() => Engines().Candidates(Run(Settings() with { ApiKeyVariable = "OTHER_API_KEY" }))).Message
            .ShouldStartWith("engines.candidates.api_key_variable names OTHER_API_KEY, but this worker's environment has no such variable");
        // Whatever the log says: no other secret of a worker can be sent away.
        Should.Throw<ServerRefusedException>(() => Engines().Candidates(Run(Settings() with { ApiKeyVariable = "SELFREWARD_POSTGRES" }))).Message.ShouldContain("no variable that may hold a key");
        _server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_server_that_is_not_there_cannot_be_reached()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var failure = await Should.ThrowAsync<ServerUnavailableException>(() => AskAsync(Settings() with { Url = $"http://127.0.0.1:{port}/v1", Retries = 1 }, keys: s_keys[..1]));
        failure.Kind.ShouldBe("unreachable");
        failure.Message.ShouldStartWith($"engines.candidates: the server at http://127.0.0.1:{port}/v1 cannot be reached: ");
        _clock.Pauses.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("context_length_exceeded", "no")]
    [InlineData("exceed_context_size_error", "no")]
    [InlineData(null, "This model's maximum context length is 2048 tokens. However, you requested 2100 tokens.")]
    public async Task A_prompt_that_does_not_fit_is_a_prompt_that_is_too_long(string? code, string message)
    {
        _server.Misdeeds.Enqueue(ProtocolServer.Status(400, ProtocolServer.Error(message, code)));
        (await Should.ThrowAsync<ContextLengthException>(() => AskAsync(Settings(), keys: s_keys[..1]))).Message.ShouldContain(message);
    }

    [Fact]
    public async Task A_judge_prompt_that_does_not_fit_has_no_judgement_and_that_is_said()
    {
        for (var i = 0; i < 4; i++)
            _server.Misdeeds.Enqueue(ProtocolServer.Status(400, ProtocolServer.Error("too long", "context_length_exceeded")));
        var settings = new RunSettings { Engines = new() { Judgements = Settings() } };
        var judged = await new AnswerJudge(Engines().Judgements(settings)).JudgeAsync(s_model, "p", "a", 2, settings, s_keys, CancellationToken.None);
        judged.Judgements.Count.ShouldBe(4);
        judged.Judgements.ShouldAllBe(judgement => judgement.Score == null && judgement.Candidate == 2 && judgement.Unparsable!.EndsWith("too long", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("stop", Finish.Stop)]
    [InlineData("length", Finish.Length)]
    [InlineData("content_filter", Finish.ContentFilter)]
    public async Task Why_an_answer_ended_is_kept(string reason, Finish finish)
    {
        _server.Misdeeds.Enqueue(ProtocolServer.Says(ProtocolServer.Completion("so far", reason)));
        (await AskAsync(Settings(), keys: s_keys[..1])).Single().Finish.ShouldBe(finish);
    }

    [Fact]
    public async Task An_answer_that_a_filter_left_out_is_empty_and_not_complete()
    {
        var filtered = ProtocolServer.Completion("", "content_filter");
        filtered["choices"]![0]!["message"]!["content"] = null;
        _server.Misdeeds.Enqueue(ProtocolServer.Says(filtered));
        var text = (await AskAsync(Settings(), keys: s_keys[..1])).Single();
        (text.Text, text.Finish).ShouldBe(("", Finish.ContentFilter));
    }

    [Fact]
    public async Task What_a_server_does_not_tell_is_not_made_up()
    {
        var bare = ProtocolServer.Completion("a\u0000b");
        bare.Remove("usage");
        bare.Remove("model");
        _server.Misdeeds.Enqueue(ProtocolServer.Says(bare));
        var text = (await AskAsync(Settings(), keys: s_keys[..1])).Single();
        text.Text.ShouldBe("a\uFFFDb");
        (text.TokenCount, text.LogProb, text.Server!.InputTokens, text.Server.OutputTokens).ShouldBe((0, null, null, null));
        text.Server.Models.ShouldBe(["lab-7b"]);
    }

    [Fact]
    public async Task Log_probabilities_add_up_where_there_are_some()
    {
        var told = ProtocolServer.Completion("two tokens");
        told["choices"]![0]!["logprobs"] = JsonNode.Parse("""{"content": [{"token": "two", "logprob": -0.5}, {"token": " tokens", "logprob": -1.25}]}""");
        _server.Misdeeds.Enqueue(ProtocolServer.Says(told));
        (await AskAsync(Settings() with { Logprobs = true }, keys: s_keys[..1])).Single().LogProb.ShouldBe(-1.75);
    }

    [Fact]
    public async Task No_more_requests_run_at_once_than_the_limit_whichever_stage_asks()
    {
        const int Limit = 3;
        var (running, most, full) = (0, 0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var server = await ProtocolServer.StartAsync(async asked =>
        {
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            if (now == Limit)
                full.TrySetResult();
            await full.Task;
            Interlocked.Decrement(ref running);
            return asked.Prompt;
        });
        var settings = Settings() with { Url = server.Url, Concurrency = Limit };
        var run = new RunSettings { Engines = new() { Candidates = settings, Judgements = settings } };
        var engines = Engines();
        ITextGenerator[] stages = [engines.Candidates(run), engines.Judgements(run)];
        await Task.WhenAll(stages.SelectMany(stage => Enumerable.Range(0, 3).Select(_ => stage.GenerateAsync(new RunModel(s_model, null), "p", s_keys, s_sampling, CancellationToken.None))));
        most.ShouldBe(Limit);
        server.Requests.Count.ShouldBe(2 * 3 * s_keys.Length);
    }

    [Fact]
    public async Task Whoever_stops_waiting_waits_no_longer()
    {
        using var stop = new CancellationTokenSource();
        _server.Misdeeds.Enqueue(context =>
        {
            stop.Cancel();
            return ProtocolServer.Hang(context);
        });
        await Should.ThrowAsync<OperationCanceledException>(() => Engines().Candidates(Run(Settings())).GenerateAsync(new RunModel(s_model, null), "p", s_keys[..1], s_sampling, stop.Token));
    }

    [Fact]
    public async Task A_text_is_a_span_of_a_client_with_model_and_cost_and_without_content()
    {
        using var spans = new ChatSpans("lab-traced");
        await AskAsync(Settings() with { Model = "lab-traced" }, keys: s_keys[..1]);
        var span = spans.Single();
        span.Kind.ShouldBe(ActivityKind.Client);
        span.TagObjects.Select(tag => tag.Key).Order(StringComparer.Ordinal).ShouldBe(
        [
            "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.max_tokens", "gen_ai.request.model", "gen_ai.request.seed", "gen_ai.request.temperature", "gen_ai.request.top_p",
            "gen_ai.response.finish_reasons", "gen_ai.response.id", "gen_ai.response.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "server.address", "server.port",
        ]);
        (span.GetTagItem("gen_ai.provider.name"), span.GetTagItem("gen_ai.response.model"), span.GetTagItem("gen_ai.usage.input_tokens")).ShouldBe(("openai", ProtocolServer.Model, 11L));
        (span.GetTagItem("server.address"), span.GetTagItem("server.port")).ShouldBe(("127.0.0.1", new Uri(_server.Url).Port));
    }

    [Fact]
    public async Task A_text_that_did_not_come_is_a_span_with_the_error_s_kind()
    {
        using var spans = new ChatSpans("lab-refused");
        _server.Misdeeds.Enqueue(ProtocolServer.Status(404));
        await Should.ThrowAsync<ServerRefusedException>(() => AskAsync(Settings() with { Model = "lab-refused" }, keys: s_keys[..1]));
        (spans.Single().Status, spans.Single().GetTagItem("error.type")).ShouldBe((ActivityStatusCode.Error, "404"));
    }

    private ServerSettings Settings() => new() { Url = _server.Url, Model = "lab-7b", Timeout = 60 };

    private static RunSettings Run(ServerSettings candidates) => new() { Engines = new() { Candidates = candidates } };

    private TextEngines Engines() => new(
        new LocalTextGenerator(null!, null!), new WorkerOptions { Data = "", Postgres = "" }, _clock, NullLogger<TextEngines>.Instance,
        name => name == "LAB_API_KEY" ? Key : name == "SELFREWARD_POSTGRES" ? "Password=hunter2" : null);

    private Task<IReadOnlyList<GeneratedText>> AskAsync(ServerSettings settings, IReadOnlyList<ulong>? keys = null, SamplingSettings? sampling = null) =>
        Engines().Candidates(Run(settings)).GenerateAsync(new RunModel(s_model, null), "Why?", keys ?? s_keys, sampling ?? s_sampling, CancellationToken.None);

    private static Func<HttpContext, Task> Misdeed(string name) => name switch
    {
        "garbage" => ProtocolServer.Says("{\"id\": \"chatcmpl-1\", \"choices\": [{"),
        "page" => ProtocolServer.Says("<html><body>Please log in</body></html>"),
        "empty" => ProtocolServer.Says(""),
        "broken off" => ProtocolServer.BreakOff,
        "hung up" => ProtocolServer.HangUp,
        "no choice" => ProtocolServer.Says("""{"id": "1", "model": "m", "choices": []}"""),
        "no finish" => ProtocolServer.Says("""{"id": "1", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "half"}, "finish_reason": null}]}"""),
        "unknown finish" => ProtocolServer.Says(ProtocolServer.Completion("text", "abort")),
        "half a pair" => ProtocolServer.Says("""{"id": "1", "model": "m", "choices": [{"message": {"content": "\ud83d"}, "finish_reason": "stop"}]}"""),
        "negative tokens" => ProtocolServer.Says("""{"model": "m", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": -1, "completion_tokens": 1}}"""),
        "another kind" => ProtocolServer.Says("[1, 2]"),
        _ => ProtocolServer.Status(int.Parse(name, CultureInfo.InvariantCulture), ProtocolServer.Error("not now")),
    };

    private static void InterlockedMax(ref int most, int value)
    {
        for (var known = Volatile.Read(ref most); value > known;)
            known = Interlocked.CompareExchange(ref most, value, known) is var seen && seen == known ? value : seen;
    }

    /// <summary>The spans of texts that one model was asked for; other tests have others.</summary>
    private sealed class ChatSpans : IDisposable
    {
        private readonly List<Activity> _spans = [];
        private readonly ActivityListener _listener;

        public ChatSpans(string model)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "SelfRewarding.Inference",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = span =>
                {
                    lock (_spans)
                    {
                        if (span.DisplayName == $"chat {model}")
                            _spans.Add(span);
                    }
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public Activity Single()
        {
            lock (_spans)
                return _spans.ShouldHaveSingleItem();
        }

        public void Dispose() => _listener.Dispose();
    }
}
