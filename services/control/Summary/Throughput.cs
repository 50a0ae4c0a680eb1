namespace SelfRewarding.Control.Summary;

/// <summary>Tokens generated, and how many a second of late. Time is that of the facts, so a replay shows what the run showed.</summary>
public sealed class Throughput
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    private readonly Queue<(DateTimeOffset At, int Tokens)> _recent = [];

    /// <summary>All tokens so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>Over the last twenty seconds of facts; null where there is too little to say.</summary>
    public double? PerSecond
    {
        get
        {
            if (_recent.Count < 2) return null;
            var first = _recent.Peek();
            var seconds = (_recent.Last().At - first.At).TotalSeconds;
            // The first fact's tokens were generated before the window that it opens.
            return seconds < 1 ? null : (_recent.Sum(entry => (double)entry.Tokens) - first.Tokens) / seconds;
        }
    }

    internal void Add(DateTimeOffset at, int tokens)
    {
        Tokens += tokens;
        _recent.Enqueue((at, tokens));
        while (at - _recent.Peek().At > Window)
            _recent.Dequeue();
    }
}
