using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace SelfRewarding.Hosting.Tests;

/// <summary>What came over OTLP: where it was sent, a header, and the bytes.</summary>
internal sealed record OtlpRequest(string Path, string? Authorization, byte[] Body)
{
    public bool Contains(string text) => Contains(Encoding.UTF8.GetBytes(text));

    public bool Contains(byte[] bytes) => Body.AsSpan().IndexOf(bytes) >= 0;
}

/// <summary>A receiver of OTLP over HTTP on a free port of the loopback address.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _web;

    private OtlpReceiver(WebApplication web) => _web = web;

    public ConcurrentQueue<OtlpRequest> Requests { get; } = new();

    public string Address => _web.Urls.Single();

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var web = builder.Build();
        var receiver = new OtlpReceiver(web);
        web.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            receiver.Requests.Enqueue(new OtlpRequest(context.Request.Path, context.Request.Headers.Authorization, body.ToArray()));
            context.Response.ContentType = "application/x-protobuf";
        });
        await web.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _web.DisposeAsync();
}
