using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using SelfRewarding.Contracts;

namespace SelfRewarding.Inference;

/// <summary>One server, asked over the OpenAI client: so many requests at once and no more, each within its time, its failures told apart.</summary>
internal sealed class ChatServer
{
    // An answer of a million tokens is smaller.
    private const int MostBytes = 32 << 20;

    private readonly ChatClient _client;
    private readonly ServerSettings _server;
    private readonly ServerFailure _failure;
    private readonly SemaphoreSlim _limit;
    private readonly TimeProvider _time;

    /// <param name="key">Null sends none.</param>
    /// <param name="limit">Shared by all that ask this server.</param>
    public ChatServer(string section, ServerSettings server, string? key, SemaphoreSlim limit, TimeProvider time)
    {
        (_server, _failure, _limit, _time) = (server, new ServerFailure(section, server, key), limit, time);
        var options = new OpenAIClientOptions
        {
            Endpoint = new Uri(server.Url!.TrimEnd('/')),
            NetworkTimeout = Timeout.InfiniteTimeSpan, // the whole answer has its time, below
            RetryPolicy = new ClientRetryPolicy(0), // and what is tried again is ServerTextGenerator's to say
            EnableDistributedTracing = false, // spans are ServerTelemetry's
            ClientLoggingOptions = new ClientLoggingOptions { EnableLogging = false },
        };
#pragma warning disable OPENAI001 // The one way to send no Authorization header; pinned with the package's version.
        _client = key is null ? new ChatClient(server.Model!, new NoKey(), options) : new ChatClient(server.Model!, new ApiKeyCredential(key), options);
#pragma warning restore OPENAI001
    }

    /// <summary>Asks once.</summary>
    /// <returns>The text, and the answer's id where it has one.</returns>
    /// <exception cref="ServerUnavailableException">It may answer later.</exception>
    /// <exception cref="ServerRefusedException">It will not.</exception>
    /// <exception cref="Model.ContextLengthException">The prompt does not fit into its context.</exception>
    public async Task<(GeneratedText Text, string? Id)> AskAsync(BinaryData body, CancellationToken cancellationToken)
    {
        await _limit.WaitAsync(cancellationToken);
        try
        {
            var (status, retryAfter, answer) = await SendAsync(body, cancellationToken);
            return status == 200 ? ChatReply.Read(answer, _server, _failure) : throw _failure.OfStatus(status, retryAfter, answer, _time.GetUtcNow());
        }
        finally
        {
            _limit.Release();
        }
    }

    private async Task<(int Status, string? RetryAfter, byte[] Body)> SendAsync(BinaryData body, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(TimeSpan.FromSeconds(_server.Timeout));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            var request = new RequestOptions { CancellationToken = either.Token, ErrorOptions = ClientErrorBehaviors.NoThrow, BufferResponse = false };
            using var content = BinaryContent.Create(body);
            using var response = (await _client.CompleteChatAsync(content, request)).GetRawResponse();
            return (response.Status, response.Headers.TryGetValue("Retry-After", out var wait) ? wait : null, await ReadAsync(response.ContentStream, either.Token));
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw _failure.OfTimeout();
        }
        catch (Exception e) when (e is ClientResultException or HttpRequestException or (IOException and not ServerUnavailableException))
        {
            throw _failure.OfConnection(e is ClientResultException { InnerException: { } inner } ? inner : e);
        }
    }

    private async Task<byte[]> ReadAsync(Stream? stream, CancellationToken cancellationToken)
    {
        using var answer = new MemoryStream();
        var buffer = new byte[16384];
        for (int read; stream is not null && (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            answer.Write(buffer, 0, read);
            if (answer.Length > MostBytes)
                throw _failure.OfGarbage($"more than {MostBytes >> 20} MiB");
        }

        return answer.ToArray();
    }

    private sealed class NoKey : AuthenticationPolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) => ProcessNext(message, pipeline, currentIndex);

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) => ProcessNextAsync(message, pipeline, currentIndex);
    }
}
