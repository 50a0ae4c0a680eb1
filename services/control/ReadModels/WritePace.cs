namespace SelfRewarding.Control.ReadModels;

/// <summary>
/// When a projection writes what it has folded: at once after a quiet time, every other second while facts keep coming, and at once when a reader asks. A write replaces the
/// rows of every run that has changed; one after every fact would take more from a trainer on the same cores than the facts themselves do.
/// </summary>
/// <param name="pause">The least time between two writes that nobody asked for.</param>
/// <param name="time">Measures it.</param>
public sealed class WritePace(TimeSpan pause, TimeProvider time)
{
    /// <summary>The pause that a person who looks does not notice.</summary>
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(2);

    private volatile TaskCompletionSource _asked = NewRequest();
    private long? _begun;
    private Task? _pausing;

    /// <summary>What is folded should be written now.</summary>
    public bool IsDue => _asked.Task.IsCompleted || Left <= TimeSpan.Zero;

    private TimeSpan Left => _begun is { } begun ? pause - time.GetElapsedTime(begun) : TimeSpan.Zero;

    /// <summary>A reader waits: from any thread.</summary>
    public void Ask() => _asked.TrySetResult();

    /// <summary>Notes that a write begins. Who asks from here on asks for the next one.</summary>
    public void Begin() => (_asked, _begun, _pausing) = (NewRequest(), time.GetTimestamp(), null);

    /// <summary>Waits until a write is due, or something else has come first.</summary>
    /// <returns>Whether it is due.</returns>
    public async Task<bool> IsDueBeforeAsync(Task other)
    {
        while (!IsDue)
        {
            // One timer for all facts of a pause. It outlives the wait, by less than a pause.
            if (_pausing is null or { IsCompleted: true })
                _pausing = Task.Delay(Left > TimeSpan.Zero ? Left : TimeSpan.Zero, time);
            await Task.WhenAny(other, _asked.Task, _pausing);
            if (other.IsCompleted)
                return false;
        }

        return true;
    }

    private static TaskCompletionSource NewRequest() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
