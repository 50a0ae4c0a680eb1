using SelfRewarding.Control.Summary;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.ReadModels;

/// <summary>The summaries of all runs as of one position of the log, and which of them have changed since they were written.</summary>
/// <param name="position">The last position that is folded; 0 is the start.</param>
/// <param name="runs">The summaries as of there.</param>
public sealed class RunFold(long position, IEnumerable<RunSummary> runs)
{
    private readonly Dictionary<string, RunSummary> _runs = runs.ToDictionary(run => run.Run, StringComparer.Ordinal);
    private readonly SortedSet<string> _changed = new(StringComparer.Ordinal);

    // Most facts come in stretches of one run.
    private RunSummary? _last;
    private bool _moreFollow;

    /// <summary>The position of the last fact that was taken.</summary>
    public long Position { get; private set; } = position;

    /// <summary>The last position that was written.</summary>
    public long Written { get; private set; } = position;

    /// <summary>Facts taken.</summary>
    public long Facts { get; private set; }

    /// <summary>Events taken; a fork's first event stands for many facts.</summary>
    public long Events { get; private set; }

    /// <summary>Every run, by name.</summary>
    public IReadOnlyList<RunSummary> Runs => [.. _runs.Values.OrderBy(run => run.Run, StringComparer.Ordinal)];

    /// <summary>The runs that have changed since they were written, by name.</summary>
    public IReadOnlyList<RunSummary> Changed => [.. _changed.Select(run => _runs[run])];

    /// <summary>
    /// All facts of the position have been taken. What a fork shares follows its first event, with that event's position.
    /// </summary>
    public bool IsWhole => !_moreFollow;

    /// <summary>Takes one fact, in the log's order.</summary>
    /// <exception cref="InvalidOperationException">It has been taken before, or comes too late: counts would be wrong from here on.</exception>
    public void Apply(Recorded recorded)
    {
        if (recorded.Position < Position || (recorded.Position == Position && !_moreFollow))
            throw new InvalidOperationException($"Event {recorded.Position} (version {recorded.Version} of stream '{recorded.Stream}') comes after event {Position}: each event is folded once, in order.");
        if (recorded.Position != Position)
        {
            Position = recorded.Position;
            Events++;
        }

        _moreFollow = recorded.MoreFollow;
        Facts++;
        if (RunSummary.RunOf(recorded.Fact) is not { } name)
            return;
        if (_last?.Run != name)
            _last = _runs.TryGetValue(name, out var known) ? known : _runs[name] = new RunSummary(name);
        _last.Apply(recorded.Fact, recorded.At, recorded.Position);
        _changed.Add(name);
    }

    /// <summary>Notes that everything up to the position is written.</summary>
    public void MarkWritten()
    {
        _changed.Clear();
        Written = Position;
    }
}
