namespace SelfRewarding.Control.Summary;

/// <summary>The tokens of one second of facts.</summary>
public sealed record TokenSecond(DateTimeOffset At, long Tokens);

/// <summary>What a <see cref="Throughput"/> goes on from.</summary>
public sealed record ThroughputState(long Tokens, IReadOnlyList<TokenSecond> Recent);

/// <summary>
/// Tokens generated, and how many a second of late. Time is that of the facts, so a replay shows what the run showed. Facts of one second
/// are kept as one, so that what is kept does not depend on how many there are.
/// </summary>
public sealed class Throughput
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    private readonly Queue<TokenSecond> _recent = [];
    private TokenSecond? _last;

    public Throughput()
    {
    }

    internal Throughput(ThroughputState state)
    {
        Tokens = state.Tokens;
        foreach (var second in state.Recent.SkipLast(1))
            _recent.Enqueue(second);
        _last = state.Recent is [.., var last] ? last : null;
    }

    /// <summary>All tokens so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>Over the last twenty seconds of facts; null where there is too little to say.</summary>
    public double? PerSecond
    {
        get
        {
            if (_last is null || _recent.Count == 0) return null;
            // The first second's tokens were generated before the window that it opens.
            return (_recent.Skip(1).Sum(second => second.Tokens) + _last.Tokens) / (_last.At - _recent.Peek().At).TotalSeconds;
        }
    }

    internal ThroughputState State => new(Tokens, _last is null ? [] : [.. _recent, _last]);

    internal void Add(DateTimeOffset at, int tokens)
    {
        Tokens += tokens;
        var second = new DateTimeOffset(at.Ticks - at.Ticks % TimeSpan.TicksPerSecond, at.Offset);
        // Clocks of several writers differ a little: what seems to be earlier counts with the latest.
        if (_last is { } last && second <= last.At)
        {
            _last = last with { Tokens = last.Tokens + tokens };
            return;
        }

        if (_last is not null) _recent.Enqueue(_last);
        _last = new TokenSecond(second, tokens);
        while (_recent.TryPeek(out var first) && second - first.At > Window)
            _recent.Dequeue();
    }
}
