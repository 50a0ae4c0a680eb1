using System.Threading.Channels;

namespace SelfRewarding.Model;

/// <summary>Figures of an engine.</summary>
/// <param name="Slots">Samples that run at once.</param>
/// <param name="MaxPositions">Longest sequence, prompt and answer together; the model's own limit where that is shorter.</param>
/// <param name="RowsPerStep">Most tokens a step reads: what a long prompt may delay the samples that already run.</param>
/// <param name="CaptureContent">Whether prompts and answers go into spans.</param>
/// <param name="CacheBytes">Most bytes of keys and values: a large model gets fewer slots. What is generated does not depend on their number.</param>
public sealed record GenerationEngineOptions(int Slots = 64, int MaxPositions = 4096, int RowsPerStep = 512, long CacheBytes = 2L << 30, bool CaptureContent = false);

/// <summary>
/// Generates with one model, for any number of callers at once: requests join a running batch as soon as it has free slots. What a request draws is the same, to the bit,
/// whether it runs alone or beside others. One thread of the engine's own does the arithmetic.
/// </summary>
public sealed class GenerationEngine : IAsyncDisposable
{
    private readonly Channel<GenerationJob> _requests = Channel.CreateUnbounded<GenerationJob>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Queue<GenerationJob> _waiting = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RunningBatch _batch;
    private readonly LoadedModel _model;
    private readonly TimeProvider _time;
    private readonly bool _captureContent;
    private readonly KeyValuePair<string, object?> _tag;
    private volatile bool _stopping;

    /// <summary>Starts an engine. It uses the model and does not own it.</summary>
    /// <param name="model">The model and its tokenizer; nobody may change the weights while the engine lives.</param>
    /// <param name="options">Figures; null takes the defaults.</param>
    /// <param name="name">What traces and metrics call the model.</param>
    /// <param name="time">The clock; null takes the system's.</param>
    public GenerationEngine(LoadedModel model, GenerationEngineOptions? options = null, string name = "model", TimeProvider? time = null)
    {
        options ??= new GenerationEngineOptions();
        _model = model;
        _time = time ?? TimeProvider.System;
        Name = name;
        _captureContent = options.CaptureContent;
        _tag = new("gen_ai.request.model", name);
        MaxPositions = Math.Min(options.MaxPositions, model.Model.Config.MaxPositionEmbeddings);
        _batch = new RunningBatch(model.Model, SlotsFor(model.Model, options), MaxPositions, options.RowsPerStep, _tag);
        new Thread(Run) { IsBackground = true, Name = $"generation {name}" }.Start();
    }

    /// <summary>What traces and metrics call the model.</summary>
    public string Name { get; }

    /// <summary>Longest sequence, prompt and answer together.</summary>
    public int MaxPositions { get; }

    private int SlotsFor(Llama model, GenerationEngineOptions options) =>
        (int)Math.Clamp(options.CacheBytes / KvCache.BytesOfSlot(model.Config, MaxPositions, ComputeType.Bytes(model.Compute)), 1, options.Slots);

    /// <summary>Samples one answer for each key, in the order of the keys.</summary>
    /// <exception cref="ContextLengthException">The prompt leaves no room for an answer; other requests are not affected.</exception>
    /// <exception cref="ArgumentException">The request asks for something impossible.</exception>
    /// <exception cref="ObjectDisposedException">The engine was stopped before the answer was there.</exception>
    public async Task<IReadOnlyList<Completion>> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken)
    {
        Check(request);
        cancellationToken.ThrowIfCancellationRequested();
        if (request.SampleKeys.Count == 0) return [];
        using var telemetry = new GenerationTelemetry(Name, request, _captureContent ? _model.Tokenizer : null, _time);
        try
        {
            var job = new GenerationJob(request, request.Sampling.StopIds ?? _model.Tokenizer.Eos, MaxPositions, _time, cancellationToken);
            ObjectDisposedException.ThrowIf(!_requests.Writer.TryWrite(job), this);
            ModelTelemetry.PendingRequests.Add(1, _tag);
            var completions = await job.Outcome;
            telemetry.Succeeded(completions);
            return completions;
        }
        catch (Exception e)
        {
            telemetry.Failed(e);
            throw;
        }
    }

    /// <summary>Stops after the step in progress; requests that wait or run end with <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        // In this order: once the thread sees that it is to stop, nothing more can arrive that nobody would answer.
        _requests.Writer.TryComplete();
        _stopping = true;
        await _ended.Task;
    }

    private void Run()
    {
        while (WaitForWork())
        {
            try
            {
                Admit();
                if (!_batch.IsEmpty) _batch.Step();
            }
#pragma warning disable CA1031 // Whatever a step fails with belongs to those whose requests were in it; the engine goes on for the others.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _batch.Fail(e);
            }
        }

        var stopped = new ObjectDisposedException($"generation engine of {Name}");
        _batch.Fail(stopped);
        while (_requests.Reader.TryRead(out var job)) _waiting.Enqueue(job);
        foreach (var waiting in _waiting) waiting.Fail(stopped);
        ModelTelemetry.PendingRequests.Add(-_waiting.Count, _tag);
        _batch.Dispose();
        _ended.SetResult();
    }

    /// <summary>Takes what has arrived, and sleeps while there is nothing to do; false when the engine is to stop.</summary>
    private bool WaitForWork()
    {
        if (_batch.IsEmpty && _waiting.Count == 0) _requests.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult();
        while (_requests.Reader.TryRead(out var job)) _waiting.Enqueue(job);
        return !_stopping;
    }

    private void Admit()
    {
        // A cancelled job is over, and its slots are free for those who wait.
        _batch.CancelJobs();
        while (_waiting.TryPeek(out var job))
        {
            job.CancelIfAsked();
            if (!job.IsOver && !_batch.Admit(job)) return;
            _waiting.Dequeue();
            ModelTelemetry.PendingRequests.Add(-1, _tag);
        }
    }

    private void Check(GenerationRequest request)
    {
        var vocabulary = _model.Model.Config.VocabSize;
        var sampling = request.Sampling;
        if (request.PromptIds.Length == 0) throw new ArgumentException("The prompt has no token; put the tokenizer's first token at least.", nameof(request));
        if (Array.FindIndex(request.PromptIds, id => id < 0 || id >= vocabulary) is >= 0 and var place)
            throw new ArgumentException($"Token {request.PromptIds[place]} at {place} of the prompt is outside the vocabulary of {vocabulary}.", nameof(request));
        if (request.PromptIds.Length >= MaxPositions) throw new ContextLengthException(request.PromptIds.Length, MaxPositions);
        if (!(sampling.Temperature >= 0) || double.IsInfinity(sampling.Temperature))
            throw new ArgumentException($"Temperature is {sampling.Temperature}, expected 0 (greedy) or more.", nameof(request));
        if (!(sampling.TopP > 0 && sampling.TopP <= 1)) throw new ArgumentException($"Top-p is {sampling.TopP}, expected more than 0 and at most 1 (off).", nameof(request));
        if (sampling.TopK < 0) throw new ArgumentException($"Top-k is {sampling.TopK}, expected 0 (off) or more.", nameof(request));
        if (sampling.MaxNewTokens < 1) throw new ArgumentException($"Max new tokens is {sampling.MaxNewTokens}, expected 1 or more.", nameof(request));
    }
}
