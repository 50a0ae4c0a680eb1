namespace SelfRewarding.Control.Up;

/// <summary>What runs, and when it has ended.</summary>
/// <param name="Ended">The exit code: 128 + n where signal n ended it.</param>
internal sealed record Running(int ProcessId, Task<int> Ended)
{
    /// <summary>The exit code of what is not our child.</summary>
    public const int Unknown = -1;
}

/// <summary>Keeps one thing alive: starts it, and starts it again when it ends, after pauses that grow while it does not stay alive.</summary>
/// <param name="name">What it is called.</param>
/// <param name="log">The file that it writes to.</param>
/// <param name="start">Starts it, and returns when it is ready for use.</param>
/// <param name="stop">Stops it, and returns when it has ended.</param>
/// <param name="clock">The time.</param>
/// <param name="tell">Is told of what happens, a sentence each.</param>
internal sealed class Part(string name, string log, Func<CancellationToken, Task<Running>> start, Func<Task> stop, TimeProvider clock, Action<string> tell)
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);

    private TimeSpan _pause = ShortestPause;
    private Running? _running;
    private volatile PartState _state = new(name, false, null, clock.GetUtcNow(), 0, null, log);

    /// <summary>How it stands.</summary>
    public PartState State => _state;

    /// <summary>Starts it for the first time.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _running = await start(cancellationToken);
        _state = _state with { IsRunning = true, ProcessId = _running.ProcessId, Since = clock.GetUtcNow() };
        tell($"{name} runs as process {_running.ProcessId}.");
    }

    /// <summary>Keeps it alive until cancelled.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var code = await _running!.Ended.WaitAsync(cancellationToken);
            if (clock.GetUtcNow() - _state.Since >= Settled)
                _pause = ShortestPause;
            await RestAsync(InWords(code), cancellationToken);
            while (!await TryStartAgainAsync(cancellationToken)) { }
        }
    }

    /// <summary>Stops it for good.</summary>
    public async Task StopAsync()
    {
        await stop();
        if (_running is null)
            return; // it could not be started at all
        _state = _state with { IsRunning = false, ProcessId = null, Since = clock.GetUtcNow() };
        tell($"{name} has stopped.");
    }

    private async Task<bool> TryStartAgainAsync(CancellationToken cancellationToken)
    {
        try
        {
            _state = _state with { Restarts = _state.Restarts + 1 };
            await StartAsync(cancellationToken);
            return true;
        }
        catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            await RestAsync($"cannot be started: {e.Message.TrimEnd('.')}", cancellationToken);
            return false;
        }
    }

    private async Task RestAsync(string why, CancellationToken cancellationToken)
    {
        _state = _state with { IsRunning = false, ProcessId = null, Since = clock.GetUtcNow(), LastEnd = why };
        tell($"{name} {why}; starting it again in {_pause.TotalSeconds:0.#} s.");
        await Task.Delay(_pause, clock, cancellationToken);
        _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
    }

    private static string InWords(int code) => code switch
    {
        Running.Unknown => "has ended",
        > 128 => $"was ended by signal {code - 128}",
        _ => $"ended with exit code {code}",
    };
}
