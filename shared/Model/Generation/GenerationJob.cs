namespace SelfRewarding.Model;

/// <summary>A request on its way through the engine.</summary>
internal sealed class GenerationJob
{
    private readonly TaskCompletionSource<IReadOnlyList<Completion>> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Completion?[] _completions;
    private readonly TimeProvider _time;
    private readonly long _arrived;
    private int _unfinished;

    public GenerationJob(GenerationRequest request, IReadOnlyList<int> stopIds, int context, TimeProvider time, CancellationToken cancellationToken)
    {
        Request = request;
        StopIds = stopIds.ToHashSet();
        Limit = Math.Min(request.Sampling.MaxNewTokens, context - request.PromptIds.Length);
        CancellationToken = cancellationToken;
        _time = time;
        _arrived = time.GetTimestamp();
        _completions = new Completion?[request.SampleKeys.Count];
        _unfinished = _completions.Length;
    }

    public GenerationRequest Request { get; }

    public IReadOnlySet<int> StopIds { get; }

    /// <summary>Tokens that a sample may have.</summary>
    public int Limit { get; }

    public CancellationToken CancellationToken { get; }

    /// <summary>Samples that have got a slot so far.</summary>
    public int Admitted { get; set; }

    /// <summary>Whether the caller has its answer, an error or a cancellation: what still runs for it can stop.</summary>
    public bool IsOver => _outcome.Task.IsCompleted;

    public Task<IReadOnlyList<Completion>> Outcome => _outcome.Task;

    public TimeSpan Elapsed => _time.GetElapsedTime(_arrived);

    public void Finish(int sample, Completion completion)
    {
        _completions[sample] = completion;
        if (--_unfinished == 0) _outcome.TrySetResult(_completions!);
    }

    public void Fail(Exception exception) => _outcome.TrySetException(exception);

    public void CancelIfAsked()
    {
        if (CancellationToken.IsCancellationRequested) _outcome.TrySetCanceled(CancellationToken);
    }
}
