using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using SelfRewarding.Contracts;

namespace SelfRewarding.Inference;

/// <summary>
/// Generation by a server in place of the run's own model: one request for each key, tried again with growing, jittered pauses where the server may answer later, or after the
/// pause that it asks for. What is drawn is the server's matter, so it is recorded once and never expected again.
/// </summary>
internal sealed class ServerTextGenerator : ITextGenerator
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1), _longestPause = TimeSpan.FromMinutes(1);
    private static readonly ResiliencePropertyKey<ServerTelemetry> _telemetry = new("telemetry");

    private readonly ResiliencePipeline<GeneratedText> _tries;
    private readonly ChatServer _chat;
    private readonly ServerSettings _server;
    private readonly bool _captureContent;

    /// <param name="section">The settings that the server is from, for messages.</param>
    /// <param name="captureContent">Whether prompts and answers go into spans.</param>
    /// <param name="time">Waits between two tries.</param>
    public ServerTextGenerator(ChatServer chat, string section, ServerSettings server, bool captureContent, TimeProvider time, ILogger logger)
    {
        (_chat, _server, _captureContent) = (chat, server, captureContent);
        _tries = server.Retries == 0 ? ResiliencePipeline<GeneratedText>.Empty : new ResiliencePipelineBuilder<GeneratedText> { TimeProvider = time }.AddRetry(new RetryStrategyOptions<GeneratedText>
        {
            MaxRetryAttempts = server.Retries,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true, // many workers were refused at the same moment
            Delay = _firstPause,
            MaxDelay = _longestPause,
            ShouldHandle = new PredicateBuilder<GeneratedText>().Handle<ServerUnavailableException>(),
            DelayGenerator = failed => ValueTask.FromResult((failed.Outcome.Exception as ServerUnavailableException)?.RetryAfter),
            OnRetry = failed =>
            {
                var failure = (ServerUnavailableException)failed.Outcome.Exception!;
                failed.Context.Properties.GetValue(_telemetry, null!)?.Retried(failure.Kind);
                logger.ServerAskedAgain(failure.Message, failed.RetryDelay.TotalSeconds, failed.AttemptNumber + 1, server.Retries, $"{section}.retries");
                return ValueTask.CompletedTask;
            },
        }).Build();
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<GeneratedText>> GenerateAsync(
        RunModel model, string prompt, IReadOnlyList<ulong> keys, SamplingSettings sampling, CancellationToken cancellationToken)
    {
        // The first failure ends the others: without one text the whole is of no use.
        var texts = new GeneratedText[keys.Count];
        var atOnce = new ParallelOptions { MaxDegreeOfParallelism = _server.Concurrency, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, keys.Count, atOnce, async (i, token) => texts[i] = await OneAsync(prompt, keys[i], sampling, token));
        return texts;
    }

    private async Task<GeneratedText> OneAsync(string prompt, ulong key, SamplingSettings sampling, CancellationToken cancellationToken)
    {
        using var telemetry = new ServerTelemetry(_server, prompt, key, sampling, _captureContent);
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(_telemetry, telemetry);
        try
        {
            var body = ChatRequest.Body(_server, prompt, key, sampling);
            return await _tries.ExecuteAsync(
                async (attempt, ask) =>
                {
                    var (text, id) = await ask.Chat.AskAsync(ask.Body, attempt.CancellationToken);
                    ask.Telemetry.Succeeded(text, id);
                    return text;
                },
                context, (Chat: _chat, Body: body, Telemetry: telemetry));
        }
        catch (ServerUnavailableException e)
        {
            telemetry.Failed(e.Kind, e.Message);
            var times = _server.Retries == 0 ? "" : $", for the last of {_server.Retries + 1} times";
            throw new ServerUnavailableException($"{e.Message}{times}. Look whether it is well and the address right; nothing is lost, what is missing is asked again.", e.Kind, e.RetryAfter, e);
        }
        catch (Exception e)
        {
            telemetry.Failed((e as ServerRefusedException)?.Kind ?? e.GetType().FullName!, e.Message);
            throw;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }
}
