using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>One request as it arrived.</summary>
internal sealed record Asked(string Path, string? Authorization, JsonObject Body)
{
    public string Prompt => Body["messages"]![0]!["content"]!.GetValue<string>();

    public long Seed => Body["seed"]?.GetValue<long>() ?? -1;
}

/// <summary>
/// A small server that speaks OpenAI's protocol over real HTTP. What it answers depends on prompt and seed alone; what is put into <see cref="Misdeeds"/> it does first, one
/// request each.
/// </summary>
internal sealed class ProtocolServer : IAsyncDisposable
{
    public const string Model = "lab-7b-instruct-0425";

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Asked> _asked = new();

    private ProtocolServer(WebApplication app) => _app = app;

    /// <summary>Where its API begins.</summary>
    public string Url => _app.Urls.Single() + "/v1";

    /// <summary>Every request so far, those that it answered badly included.</summary>
    public IReadOnlyList<Asked> Requests => [.. _asked];

    /// <summary>What it does to the next requests instead of answering them.</summary>
    public ConcurrentQueue<Func<HttpContext, Task>> Misdeeds { get; } = new();

    /// <summary>Starts on a free port.</summary>
    public static async Task<ProtocolServer> StartAsync(Func<Asked, Task<string>> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new ProtocolServer(app);
        app.MapFallback(async context =>
        {
            var body = await JsonNode.ParseAsync(context.Request.Body);
            var asked = new Asked(context.Request.Path, context.Request.Headers.Authorization, body!.AsObject());
            server._asked.Enqueue(asked);
            if (server.Misdeeds.TryDequeue(out var misdeed))
                await misdeed(context);
            else
                await context.Response.WriteAsync(Completion(await answer(asked)).ToJsonString());
        });
        await app.StartAsync();
        return server;
    }

    public static Task<ProtocolServer> StartAsync(Func<Asked, string> answer) => StartAsync(asked => Task.FromResult(answer(asked)));

    /// <summary>A right answer: a token is a word of the text.</summary>
    public static JsonObject Completion(string text, string finish = "stop") => new()
    {
        ["id"] = "chatcmpl-1",
        ["object"] = "chat.completion",
        ["created"] = 1745000000,
        ["model"] = Model,
        ["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text },
            ["finish_reason"] = finish,
        }),
        ["usage"] = new JsonObject { ["prompt_tokens"] = 11, ["completion_tokens"] = text.Split(' ').Length, ["total_tokens"] = 11 + text.Split(' ').Length },
    };

    /// <summary>Answers with a status, as a server's own refusal or a proxy's.</summary>
    public static Func<HttpContext, Task> Status(int status, string body = "", string? retryAfter = null) => context =>
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null)
            context.Response.Headers.RetryAfter = retryAfter;
        return context.Response.WriteAsync(body);
    };

    /// <summary>An error in the protocol's own form.</summary>
    public static string Error(string message, string? code = null) => new JsonObject { ["error"] = new JsonObject { ["message"] = message, ["type"] = "error", ["code"] = code } }.ToJsonString();

    /// <summary>Answers 200 with this.</summary>
    public static Func<HttpContext, Task> Says(string body) => context => context.Response.WriteAsync(body);

    /// <summary>Answers 200 with this.</summary>
    public static Func<HttpContext, Task> Says(JsonObject body) => Says(body.ToJsonString());

    /// <summary>Begins an answer and hangs up.</summary>
    public static async Task BreakOff(HttpContext context)
    {
        var whole = Completion("a text that nobody will see whole").ToJsonString();
        context.Response.ContentLength = whole.Length;
        await context.Response.WriteAsync(whole[..(whole.Length / 2)]);
        await context.Response.Body.FlushAsync();
        context.Abort();
    }

    /// <summary>Hangs up without a word.</summary>
    public static Task HangUp(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    /// <summary>Never answers, until whoever asked gives up.</summary>
    public static async Task Hang(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    }

    /// <summary>Begins an answer, and never ends it.</summary>
    public static async Task HangInMidAnswer(HttpContext context)
    {
        await context.Response.WriteAsync("{\"id\": \"chatcmpl-1\", ");
        await context.Response.Body.FlushAsync();
        await Hang(context);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
