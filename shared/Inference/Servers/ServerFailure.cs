using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using SelfRewarding.Contracts;
using SelfRewarding.Model;

namespace SelfRewarding.Inference;

/// <summary>What a failed answer of a server means: may it pass, and what would a person have to do?</summary>
/// <param name="section">The settings that the server is from, such as <c>engines.judgements</c>.</param>
/// <param name="server">They.</param>
/// <param name="key">The key, which a server may repeat and nobody else may.</param>
internal sealed class ServerFailure(string section, ServerSettings server, string? key)
{
    // RabbitMQ takes a delivery back after 30 minutes, unless it is told otherwise.
    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(15);

    private const int MostSaid = 300;

    private string Subject => $"{section}: the server at {server.Url}";

    /// <summary>What an answer's status says; everything but 200 is a failure.</summary>
    /// <param name="retryAfter">The header Retry-After.</param>
    /// <param name="body">What came with it.</param>
    /// <param name="now">The time, for a Retry-After that is a date.</param>
    public Exception OfStatus(int status, string? retryAfter, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        var said = Said(body);
        var what = $"{Subject} answered {status} {Enum.GetName((HttpStatusCode)status)}".TrimEnd() + (said.Text.Length > 0 ? $" (\"{said.Text}\")" : "");
        var kind = status.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (status is 408 or 425 or 429 or 500 or 502 or 503 or 504 or 529)
        {
            var wait = WaitOf(retryAfter, now);
            return wait > _longestWait
                ? new ServerRefusedException($"{what} and asks to be left alone for {wait.Value.TotalSeconds:0} s: longer than work can wait; go on with the run then ('selfreward resume', 'selfreward retry').", kind)
                : new ServerUnavailableException(what, kind, wait);
        }

        if (status == 400 && IsTooLong(said))
            return new ContextLengthException($"The prompt does not fit into the context of '{server.Model}' at {server.Url}: {said.Text}");
        return new ServerRefusedException($"{what}: {ToDo(status)}", kind);
    }

    /// <summary>No whole answer in the time that there is.</summary>
    public ServerUnavailableException OfTimeout() => new(FormattableString.Invariant($"{Subject} gave no whole answer within {server.Timeout} s ({section}.timeout)"), "timeout");

    /// <summary>No connection, or one that broke.</summary>
    public ServerUnavailableException OfConnection(Exception e) => e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError }
        ? new($"{Subject} cannot be reached: {Redacted(Innermost(e).Message)}", "unreachable", inner: e)
        : new($"{Subject} broke its answer off: {Redacted(Innermost(e).Message)}", "broken_off", inner: e);

    /// <summary>An answer that is none.</summary>
    /// <param name="what">As it continues "the server answered with".</param>
    public ServerUnavailableException OfGarbage(string what) => new($"{Subject} answered with {Redacted(what)}", "garbage");

    /// <summary>A text of the server as a line that may be shown: short, and without the key.</summary>
    public string Line(string text)
    {
        var line = string.Join(' ', Redacted(text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= MostSaid ? line : line[..MostSaid] + "…";
    }

    private string ToDo(int status) => status switch
    {
        401 or 403 when server.ApiKeyVariable is null => $"it wants a key; name the environment variable that holds it ({section}.api_key_variable), in a new run or a fork.",
        401 or 403 => $"put a key that it takes into {server.ApiKeyVariable} ({section}.api_key_variable) where the worker runs, and start the worker again.",
        402 => "its account has to be paid first; then go on with the run.",
        404 or 405 => $"look at {section}.url (where its API begins, often with /v1 at the end) and {section}.model ('{server.Model}').",
        413 => "the request is too large for it.",
        _ => $"look at {section}.model ('{server.Model}'), {section}.send_seed, {section}.logprobs and the stage's sampling settings: it takes not all that is asked.",
    };

    private static TimeSpan? WaitOf(string? retryAfter, DateTimeOffset now)
    {
        if (!RetryConditionHeaderValue.TryParse(retryAfter, out var header))
            return null;
        var wait = header.Delta ?? header.Date - now;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    // OpenAI and vLLM say it by a code or a sentence of their own, llama.cpp by a type.
    private static bool IsTooLong((string Text, string Code) said) =>
        said.Code is "context_length_exceeded" or "exceed_context_size_error"
        || said.Text.Contains("maximum context length", StringComparison.OrdinalIgnoreCase) || said.Text.Contains("maximum model length", StringComparison.OrdinalIgnoreCase);

    private (string Text, string Code) Said(ReadOnlySpan<byte> body)
    {
        try
        {
            var error = JsonSerializer.Deserialize<JsonElement>(body);
            if (error.ValueKind == JsonValueKind.Object && error.TryGetProperty("error", out var inner))
                error = inner;
            return error.ValueKind == JsonValueKind.String
                ? (Line(error.GetString()!), "")
                : (Line(Text(error, "message")), Text(error, "code") is { Length: > 0 } code ? code : Text(error, "type"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // A proxy's page, or nothing.
            return (Line(System.Text.Encoding.UTF8.GetString(body[..Math.Min(body.Length, 4 * MostSaid)])), "");
        }
    }

    private static string Text(JsonElement error, string name) =>
        error.ValueKind == JsonValueKind.Object && error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private string Redacted(string text) => key is null ? text : text.Replace(key, "***", StringComparison.Ordinal);

    private static Exception Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e;
}
