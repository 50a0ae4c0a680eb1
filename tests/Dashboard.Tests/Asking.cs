using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using SelfRewarding.Control.Http;
using Shouldly;

namespace SelfRewarding.Dashboard.Tests;

/// <summary>Asks a server as any program would.</summary>
internal static class Asking
{
    /// <summary>A client that follows no redirection and keeps no cookie.</summary>
    public static HttpClient Client(this DashboardServer server) => new(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(Local(server)) };

    /// <summary>The server's address on this machine.</summary>
    public static string Local(this DashboardServer server) => server.Urls[0].Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal);

    public static async Task<JsonObject> JsonAsync(this HttpClient client, string path)
    {
        using var response = await client.GetAsync(path);
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(HttpStatusCode.OK, text);
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>The sentence of a problem.</summary>
    public static async Task<string> ProblemAsync(this HttpResponseMessage response, HttpStatusCode status)
    {
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(status, text);
        response.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        return JsonNode.Parse(text)!["detail"]!.GetValue<string>();
    }

    /// <summary>The facts of a stream of events as they come: their ids and data.</summary>
    public static async IAsyncEnumerable<(string? Id, JsonNode Fact)> FactsAsync(this HttpClient client, string path, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        await using var stream = await response.Content.ReadAsStreamAsync();
        await foreach (var item in System.Net.ServerSentEvents.SseParser.Create(stream, (_, data) => Encoding.UTF8.GetString(data)).EnumerateAsync())
        {
            if (item.EventType == "fact")
                yield return (item.EventId, JsonNode.Parse(item.Data)!);
        }
    }
}
